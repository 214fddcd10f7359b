"""``headrace``: the command group. Commands are imported one at a time, so that help is quick."""

from __future__ import annotations

import importlib
import io
import json
import sys

import click

import headrace

COMMANDS = {
    "up": "Start the installation and serve until Ctrl-C.",
    "restart": "Renew every process without losing a request.",
    "init": "Make a workspace with four services.",
    "check": "Check the workspace; tell every fault at once.",
    "apply": "Check the workspace and make it the revision in force.",
    "show": "Show a revision, its history, or the JSON Schemas.",
    "rollback": "Return to an earlier revision.",
    "models": "Fetch, list, verify and remove model weights.",
    "keys": "Create, list and revoke keys.",
    "people": "List people, and import them from a directory.",
    "sessions": "List and end sessions of the console.",
    "ingest": "Bring the sources' documents up to date.",
    "search": "Search the documents.",
    "ask": "Ask a service, as a client would.",
    "evaluate": "Measure a service that drafts, on questions of your own.",
    "requests": "List requests, newest first.",
    "trace": "Show what happened to a request, stage by stage.",
    "backup": "Back the installation up into one file, while it serves.",
    "restore": "Bring a backup back under another path.",
    "doctor": "Find and explain what is misconfigured.",
    "verify": "Check an answer or the log offline.",
    "log": "Show and export the log, and change its key.",
}
"""Every command and its short help. The module ``headrace.app.cli.NAME`` holds it as ``command``."""


AS_JSON = "headrace.as_json"
"""Where a running group keeps whether ``--json`` stands among the words that it was given."""


class Lazy(click.Group):
    """A group that knows its commands' names and short help without importing them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, and see whether JSON is wanted."""
        ctx.meta[AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """As click does; with ``--json`` bad use is told in JSON too."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            if not ctx.meta[AS_JSON]:
                raise
            command = error.ctx.command_path if error.ctx is not None else ctx.command_path
            detail = {"code": "command.bad_use", "message": error.format_message(), "param": None, "mend": f"See {command} --help."}
            click.echo(json.dumps({"error": detail}), err=True)
            ctx.exit(error.exit_code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order in which a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for an unknown name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"headrace.app.cli.{cmd_name}").command
        if not isinstance(command, click.Command):
            msg = f"headrace.app.cli.{cmd_name}.command is not a click command"
            raise TypeError(msg)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, from the names alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(headrace.__version__, prog_name="headrace")
def main() -> None:
    """A self-hosted, governed workload engine for generative AI: one request path, one policy, one ledger, one trace."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale that lacks a character shows another, and ends no command

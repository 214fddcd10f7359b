"""``headrace trace``: what happened to a request, stage by stage, from its record in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.sentences import trace_lines
from headrace.config.layout import Layout
from headrace.core.errors import NotFound
from headrace.evidence.log.reader import LogReader

if TYPE_CHECKING:
    from pathlib import Path


@click.command("trace")
@click.argument("request")
@workspace_option
@json_option
@told
def command(request: str, workspace: Path, *, as_json: bool) -> None:
    """Show what happened to REQUEST (req_…), stage by stage.

    The trace is the request's own record in the ledger: no content, and provable. It works while the installation runs and when it does
    not.
    """
    with LogReader(Layout(workspace).ledger) as reader:
        found = reader.find(request)
    if not found:
        msg = f"There is no record of {request}."
        raise NotFound(msg, code="trace.unknown_request", mend="Ids look like req_01J…; they stand in every answer and error.")
    if as_json:
        print_json(found)
        return
    last = found[-1]
    for line in trace_lines(last["record"], last["receipt"]):
        click.echo(line)

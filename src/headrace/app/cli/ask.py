"""``headrace ask``: ask a service through the public API, as a client would."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.sentences import answer_lines
from headrace.app.client import Api
from headrace.app.operator import brief_key
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@click.command("ask")
@click.argument("question")
@click.option("--service", default="help", show_default=True, help="The service to ask.")
@click.option(
    "--key",
    envvar="HEADRACE_KEY",
    help="The key to ask with (or HEADRACE_KEY). Without one the operator asks, with a key that lasts a minute.",
)
@click.option("--tenant", default=None, help="The operator's tenant, when no key is given; default: the workspace's first.")
@workspace_option
@json_option
@told
def command(question: str, service: str, key: str | None, tenant: str | None, workspace: Path, *, as_json: bool) -> None:
    """Ask SERVICE the QUESTION, through the running installation's public API."""
    layout = Layout(workspace)
    with brief_key(layout, tenant) if key is None else nullcontext(key) as secret:
        response = Api.running(layout, secret).chat(service, question)
    if as_json:
        print_json(response)
        return
    for line in answer_lines(response):
        click.echo(line)

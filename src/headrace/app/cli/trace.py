"""``headrace trace``: what happened to a request, stage by stage, from its record in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.cli.traces import trace_lines
from headrace.config.layout import Layout
from headrace.core.errors import NotFound
from headrace.evidence import verify
from headrace.evidence.facts import mapping
from headrace.evidence.log.files import VKEY_FILE
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

    The trace is the request's own record in the ledger: no content, and verified as it is shown. It works while the installation runs and
    when it does not. An act (apply, a key made…) is shown by its record's id.
    """
    ledger = Layout(workspace).ledger
    with LogReader(ledger) as reader:
        found = reader.find(request)
        proven = [_verified(reader, request, ledger)] if len(found) and found[-1]["record"].get("kind") != "opened" else []
    if not found:
        msg = f"There is no record of {request}."
        raise NotFound(msg, code="trace.unknown_request", mend="Ids look like req_01J…; they stand in every answer and error.")
    if as_json:
        print_json(found)
        return
    last = found[-1]
    for line in trace_lines(last["record"], last["receipt"], proven):
        click.echo(line)


def _verified(reader: LogReader, request: str, ledger: Path) -> str:
    """The record against its leaf, the receipt's signature, the leaf against the tree, the checkpoint's signature: checked now."""
    bundle = reader.bundle(request)
    assert bundle is not None  # noqa: S101 - its record was just found
    links = [link for link in verify.verify(bundle, verify.key_of(str(ledger / VKEY_FILE))) if link.name != "text"]
    broken = [f"{link.name} BROKEN: {link.why}" for link in links if not link.holds]
    size = mapping(bundle["proof"])["size"]
    return " · ".join(broken) or f"receipt and place verified in the checkpoint over {size:,}"

"""``headrace check``: every fault of the workspace at once."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from headrace.app.acts.checking import check_folder
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.evaluation.results import notes
from headrace.config.faults import lines, verdict
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@click.command("check")
@workspace_option
@json_option
@told
def command(workspace: Path, *, as_json: bool) -> int:
    """Check the workspace's files; tell every fault at once, each with its place and how to mend it. Changes nothing.

    Ends with 1 when there is any fault. With --json: an array of {path, line, column, message, mend}.
    """
    checked = check_folder(workspace)
    if as_json:
        print_json([asdict(fault) for fault in checked.faults])
        return 1 if checked.faults else 0
    if checked.faults:
        for line in (*lines(checked.faults), verdict(checked.faults, len(checked.files))):
            click.echo(line)
        return 1
    if checked.workspace is not None:
        for note in notes(Layout(workspace), checked.workspace):
            click.echo(f"note: {note}")
    click.echo(f"{len(checked.files)} files, no faults. headrace apply puts them in force.")
    return 0

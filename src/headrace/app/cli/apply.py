"""``headrace apply``: check the workspace and put it in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.app.acts.changes import apply
from headrace.app.cli.changed import change_json, change_lines
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.evaluation.results import notes
from headrace.app.up.preparation import in_force
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@click.command("apply")
@workspace_option
@json_option
@told
def command(workspace: Path, *, as_json: bool) -> None:
    """Check the workspace's files and put them in force, as a new revision that is recorded in the ledger.

    A running installation follows within seconds, without a restart. Files with a fault never replace what is in force.
    """
    layout = Layout(workspace)
    change = apply(layout)
    if as_json:
        print_json(change_json(change))
    else:
        for line in change_lines(change, layout):
            click.echo(line)
        for note in notes(layout, in_force(layout)):
            click.echo(f"note: {note}")

"""``headrace rollback``: put an earlier revision in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.app.acts.changes import roll_back
from headrace.app.cli.changed import change_json, change_lines
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@click.command("rollback")
@click.argument("revision", required=False)
@workspace_option
@json_option
@told
def command(revision: str | None, workspace: Path, *, as_json: bool) -> None:
    """Return to an earlier REVISION (the first characters of its id are enough); without it, to the one before the one in force.

    The workspace's files stay as they are: mend them before the next apply.
    """
    layout = Layout(workspace)
    change = roll_back(layout, revision)
    if as_json:
        print_json(change_json(change))
        return
    for line in change_lines(change, layout):
        click.echo(line)
    if change.entry is not None:
        click.echo("The workspace's files were not touched: mend them before the next headrace apply.")

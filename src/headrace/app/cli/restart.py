"""``headrace restart``: every process anew, by the code that is installed now, without losing a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.app.up.restarting import restart
from headrace.config.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path


@click.command("restart")
@workspace_option
@json_option
@told
def command(workspace: Path, *, as_json: bool) -> None:
    """Renew every process of the running installation, by the code that is installed now: after an upgrade, say. No connection is refused
    and no answer is cut off.

    New processes load beside the old ones and take over one after another. When the new code cannot serve the workspace, nothing is changed
    and the old processes serve on; this ends with 1 and says why. headrace up itself goes on with the code it was started with.
    """
    outcome = restart(Layout(workspace.absolute()))
    if as_json:
        print_json({"restarted": True, "supervisor_restarted": False, "seconds": outcome.seconds})
        return
    click.echo(f"Every process that serves is a new one; it took {outcome.seconds:.1f} s.")
    click.echo("headrace up, which watches over them, goes on with the code that it was started with until it is stopped.")

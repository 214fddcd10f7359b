"""``headrace init``: make a workspace with four services."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.config import template


@click.command("init")
@click.option(
    "--docs",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of documents for the service help. Default: Headrace's own documentation.",
)
@workspace_option
@json_option
@told
def command(docs: Path | None, workspace: Path, *, as_json: bool) -> None:
    """Make a workspace with four services: help answers from documents, local is plain chat, extract turns text into JSON, embed turns
    texts into vectors.

    Nothing is ever overwritten: the folder must be new or empty.
    """
    written = template.write(workspace, docs)
    if as_json:
        print_json({"workspace": str(workspace), "files": list(written)})
        return
    click.echo(f"Made the workspace {workspace}:")
    for path in written:
        click.echo(f"  {path}")
    click.echo("Next: headrace check, headrace apply, headrace up.")

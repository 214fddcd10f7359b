"""``headrace backup``: the whole installation into one file, while it serves."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.app.backup.taking import take
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.config.layout import Layout

_KEY = "Put the log's signing key into the backup too: whoever has the file can then sign as this log."


@click.command("backup")
@click.argument("to", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-signing-key", is_flag=True, help=_KEY)
@workspace_option
@json_option
@told
def command(to: Path, workspace: Path, *, with_signing_key: bool, as_json: bool) -> None:
    """Back the installation up into the file TO (.tar, or .tar.gz for a smaller one), while it serves or not.

    It holds the workspace's files, the control store (keys by their hashes), the documents' texts and tables, and the ledger; not the
    models. Nothing in it is encrypted. The act is recorded in the ledger first. Nothing half-made is ever left at TO.
    """
    taken = take(Layout(workspace.absolute()), to, signing_key=with_signing_key, waiting=_waiting)
    contents = taken.contents
    if as_json:
        about = {"backup": contents.id, "file": str(taken.path), "bytes": taken.size, "files": len(contents.members)}
        print_json({**about, "signing_key": contents.signing_key, "checkpoint": contents.checkpoint, "record": taken.record})
        return
    key = "with the log's signing key: keep it as you keep that key" if contents.signing_key else "without the log's signing key"
    click.echo(f"{taken.path}: {len(contents.members)} files, {taken.size / 1e6:.1f} MB, {key} (record {taken.record}).")
    if not contents.signing_key:
        click.echo(f"Keep a copy of {Layout(workspace).ledger / 'log.key'} elsewhere: a restored log goes on only with it.", err=True)


def _waiting() -> None:
    click.echo("A pass over the sources is under way; the backup goes on when it has ended.", err=True)

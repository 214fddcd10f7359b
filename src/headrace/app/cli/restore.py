"""``headrace restore``: a backup brought back under another path."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from headrace.app.backup.restoring import restore
from headrace.app.backup.sources import lost
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.config.layout import Layout

_INTO = "Folder of the restored workspace: not there yet, or empty."


@click.command("restore")
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--into", type=click.Path(path_type=Path, file_okay=False), required=True, help=_INTO)
@click.option("--signing-key", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="The log's signing key, kept elsewhere.")
@workspace_option
@json_option
@told
def command(source: Path, into: Path, signing_key: Path | None, workspace: Path, *, as_json: bool) -> None:
    """Restore the backup FROM: every file checked against its SHA-256, the ledger proved record by record, then put in place whole.

    With the log's signing key (in the backup, or given) the act is recorded in the restored ledger. Stop the installation that the backup
    was taken of before the restored one serves: two that go on from one log tell two histories, which anybody who holds checkpoints of both
    can prove. A key that was revoked after the backup holds again.
    """
    del workspace  # every command takes it; this one makes one
    restored = restore(source, into, signing_key=signing_key)
    missing = lost(Layout(restored.path))
    if as_json:
        about = {"workspace": str(restored.path), "backup": restored.contents.id, "files": len(restored.contents.members)}
        print_json(
            {
                **about,
                "records": restored.ledger.size,
                "checkpoint": restored.ledger.checkpoint,
                "record": restored.record,
                "lost": [asdict(each) for each in missing],
            }
        )
        return
    click.echo(f"{restored.path}: {len(restored.contents.members)} files, each as it was backed up; {restored.ledger.size} records proved.")
    if restored.record is None:
        click.echo(f"Nothing can be recorded before the log's signing key is back: {restored.path}/.headrace/ledger/log.key", err=True)
    for each in missing:
        told_as = f"reads {each.folder}" + (f", which from here is {each.leads_to}" if each.leads_to != each.folder else "")
        click.echo(f"{each.file} {told_as}, and that is not there. What was read of it stays; nothing new is read.", err=True)
        click.echo("  Write the folder's path there, then headrace apply; or put the documents there.", err=True)
    click.echo(f"Next: headrace doctor --workspace {restored.path}, then headrace up.", err=True)

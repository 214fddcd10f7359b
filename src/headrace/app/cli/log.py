"""``headrace log``: show the log's checkpoint, export the log for an auditor, change its key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click

from headrace.app.acts import recording
from headrace.app.cli.options import json_option, print_json, told, workspace_option
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed
from headrace.evidence.log import exporting
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.log.reader import LogReader


@click.group("log")
def command() -> None:
    """Show the log's checkpoint, export the log, and change its key.

    For whoever may read the workspace's files: they hold the records of every tenant.
    """


@command.command("checkpoint", short_help="Print the latest signed checkpoint.")
@workspace_option
@json_option
@told
def _checkpoint(workspace: Path, *, as_json: bool) -> None:
    """Print the latest signed checkpoint (C2SP tlog-checkpoint). Keep it: headrace verify --since holds a later log against it."""
    with closing(LogReader(Layout(workspace).ledger)) as reader:
        note = reader.checkpoint() or ""
    if as_json:
        print_json({"checkpoint": note})
    else:
        click.echo(note, nl=False)


@command.command("export", short_help="Write the log to a folder or file that verifies.")
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--size", type=click.IntRange(min=1), help="The tree of so many records, over which a checkpoint was signed. Default: the latest."
)
@click.option("--from", "first", type=click.IntRange(min=0), default=0, help="The first record that is wanted, by its sequence.")
@click.option("--to", "last", type=click.IntRange(min=0), help="The last record that is wanted.")
@click.option("--hashes", is_flag=True, help="Leave the records out: hashes alone, which say nothing of what they are of.")
@workspace_option
@json_option
@told
def _export(target: Path, size: int | None, first: int, last: int | None, workspace: Path, *, hashes: bool, as_json: bool) -> None:
    """Write the log to TARGET, a new folder or .tar.gz file, to be checked offline: headrace verify TARGET.

    Records come in bundles of 256: those that --from and --to touch are whole. They are of every tenant.
    """
    wanted = exporting.Wanted(size, first, last, records=not hashes)
    try:
        with closing(LogReader(Layout(workspace).ledger)) as reader, exporting.into(target) as put:
            done = exporting.export(reader, wanted, put)
    except (OSError, sqlite3.Error) as error:
        message = f"The log cannot be exported: {error}."
        raise OperationFailed(message, code="ledger.not_exported", param=str(target), mend="Name a folder that can be written.") from error
    if as_json:
        print_json({"size": done.size, "tiles": done.tiles, "records": done.records, "written": str(target)})
    else:
        click.echo(f"{target}: {done.records} of {done.size} records, {done.tiles} tiles")


@command.command("rotate-key", short_help="Change the key that signs receipts.")
@workspace_option
@json_option
@told
def _rotate_key(workspace: Path, *, as_json: bool) -> None:
    """Change the key that signs receipts and checkpoints. The old private key is destroyed; what it signed still holds.

    The change is a record of the log, signed by both keys: whoever pinned the old one is led to the new one.
    """
    layout = Layout(workspace)
    receipt = recording.rotate_now(layout)
    vkey = (layout.ledger / VKEY_FILE).read_text(encoding="utf-8").strip()
    if as_json:
        print_json({"sequence": receipt.sequence, "key": vkey})
    else:
        click.echo(f"{vkey}\nSigns from record {receipt.sequence + 1} on. Give it to those who pinned the one before.")

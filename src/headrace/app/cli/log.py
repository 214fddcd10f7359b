"""``headrace log``: show the log's checkpoint, prove the whole log, export it for an auditor, change its key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import click

from headrace.app.acts import recording
from headrace.app.cli.options import BAD_USE, json_option, print_error, print_json, told, workspace_option
from headrace.config.layout import Layout
from headrace.core.errors import OperationFailed
from headrace.evidence.log import audit, exporting
from headrace.evidence.log.files import VKEY_FILE
from headrace.evidence.log.reader import LogReader
from headrace.evidence.verify import Unreadable, keys_of


@click.group("log")
def command() -> None:
    """Show the log's checkpoint, prove the log, export it, and change its key.

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


@command.command("audit", short_help="Prove the whole log, record by record.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    help="A public key of the log (name+id+base64), or a file of them; may be repeated. Default: the workspace's own log.vkey.",
)
@workspace_option
@json_option
@told
def _audit(workspace: Path, keys: tuple[str, ...], *, as_json: bool) -> int:
    """Read everything that the log holds and prove it again: each record hashes to its leaf, each receipt and checkpoint is signed by the
    key that was in force, and the tree that is kept, of which tiles and proofs are made, is the one that the records make.

    Also while it is written; about 10,000 records a second. Ends with 0 when all of it holds, with 1 when it does not, naming the first
    record, node or checkpoint that breaks, and with 2 when no key can be read.
    """
    folder = Layout(workspace).ledger
    try:
        pinned = keys_of(*(keys or (str(folder / VKEY_FILE),)))
    except Unreadable as error:
        mend = "Give the log's public key with --key."
        print_error(OperationFailed(f"Not audited: {error}.", code="ledger.bad_key", mend=mend))
        return BAD_USE
    found = audit.whole_of(folder, pinned)
    if as_json:
        print_json({"holds": True, "records": found.size, "root": found.root, "checkpoint": found.checkpoint})
    else:
        click.echo(f"{found.size} records hold, with their receipts, checkpoints and tree. Root {found.root}")
    return 0


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

"""The log's key is changed: by a record in the log itself, which both keys have signed, and which alone decides which of them is in force.

    1  the new key is written to ``log.key.next``, durably
    2  one transaction: the record (its receipt signed by the old key), and a checkpoint over it that both keys sign
    3  the old key is overwritten where it lies, and synced
    4  ``log.vkey`` says the new public key
    5  ``log.key.next`` takes the place of ``log.key``

Before 2 the old key is in force, from 2 on the new one, wherever a crash came between: :func:`settle` goes on from there when the log is
opened next. On a disk that copies what it overwrites (a copy-on-write file system, flash), and in backups, the old key may still be found.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from headrace.evidence import records
from headrace.evidence.log.files import DATABASE, KEY_FILE, NEXT_KEY_FILE, VKEY_FILE
from headrace.evidence.log.note import LogKey, read_private, sync_folder, write_private, write_public
from headrace.evidence.log.store import Entry, exclusive
from headrace.evidence.verify.keyring import ROTATION, succession_text

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.core.values import Receipt
    from headrace.evidence.log.store import LogStore


def rotate(store: LogStore, folder: Path, *, request: str, by: str, now_us: int) -> Receipt:
    """Change the key; the receipt of the record that says so. The same `request` again changes nothing and gets the same receipt.

    Raises OSError and sqlite3.Error: then the old key is in force, unless it was the last steps that failed, which :func:`settle` does.
    """
    known = store.receipt_of(request)
    if known is not None:
        return known
    old, new = store.key, LogKey.new(store.key.name)
    write_private(folder / NEXT_KEY_FILE, new)
    note = old.sign_note(succession_text(old.name, old.vkey, new.vkey))
    facts = {"old": old.id.hex(), "new": new.id.hex(), "note": new.sign_too(note)}
    record = records.act(ROTATION, act_id=request, time_us=now_us, by=by, facts={**facts})
    receipt = store.succeed(Entry(request, "act", "", records.canonical(record)), new, now_us)
    _finish(folder, new)
    return receipt


def settle(folder: Path) -> None:
    """Go on where a change of keys was broken off. Raises OSError, sqlite3.Error; OperationFailed when another process writes this log."""
    path = folder / NEXT_KEY_FILE
    if not path.exists():
        return
    lock = exclusive(folder)
    try:
        new = read_private(path)
        if new is not None and new.vkey == _in_force(folder):
            _finish(folder, new)
        else:
            _overwrite(path)
            path.unlink()
            sync_folder(folder)
    finally:
        os.close(lock)


def _finish(folder: Path, new: LogKey) -> None:
    _overwrite(folder / KEY_FILE)
    write_public(folder / VKEY_FILE, new)
    (folder / NEXT_KEY_FILE).replace(folder / KEY_FILE)
    sync_folder(folder)


def _in_force(folder: Path) -> str | None:
    """The key that the log's last succession names; None where there was none."""
    if not (folder / DATABASE).exists():
        return None
    with contextlib.closing(sqlite3.connect(folder / DATABASE)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'successions'").fetchone():
            return None
        row = database.execute("SELECT vkey FROM successions ORDER BY sequence DESC LIMIT 1").fetchone()
    return str(row[0]) if row else None


def _overwrite(path: Path) -> None:
    """Put zeros where the file's content lies, on the disk."""
    with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())

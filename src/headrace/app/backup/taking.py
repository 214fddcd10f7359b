"""Taking a backup, while the installation serves or not: recorded in the ledger first, whole or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import headrace
from headrace.app.acts import recording
from headrace.app.backup import archive, snapshot
from headrace.app.backup.contents import FORM, LOG, SIGNING, STATE, Contents
from headrace.app.ids import RandomIds, SystemClock
from headrace.app.revisions import require_applied
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from headrace.config.layout import Layout


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that is there."""

    contents: Contents
    path: Path
    size: int
    record: str


def take(
    layout: Layout, to: Path, *, signing_key: bool = False, by: str | None = None, waiting: Callable[[], None] = lambda: None
) -> Taken:
    """Back the installation up into the file `to`. With `signing_key`, whoever has the file can sign as this log.

    Raises OperationFailed (nothing applied, `to` is there or in the workspace, another backup runs, the act cannot be recorded) and
    OSError (the disk is full…); nothing is left at `to` then.
    """
    require_applied(layout)
    to = to.absolute()
    if to.exists():
        raise archive.exists(to)
    if to.resolve().is_relative_to(layout.workspace.resolve()):
        msg = "A backup in the workspace itself would be part of the next one, and lost with it."
        raise OperationFailed(msg, code="backup.inside", param=str(to), mend="Name a file elsewhere, on another disk if there is one.")
    if signing_key and not (layout.state / SIGNING).exists():
        msg = "The log's signing key is not there, so it cannot be backed up."
        raise OperationFailed(msg, code="backup.no_key", param=str(layout.state / SIGNING), mend="Take the backup without it.")
    backup_id = RandomIds().request().replace("req_", "bak_")
    taken_us = SystemClock().now_us()
    record = recording.record_now(layout, "backup.take", {"backup": backup_id, "signing_key": signing_key}, by=by)
    with snapshot.gathered(layout, signing_key=signing_key, waiting=waiting) as staging:
        checkpoint = _checkpoint(staging / STATE / LOG)
        contents = archive.write(
            to,
            snapshot.members(staging),
            lambda members: Contents(FORM, backup_id, headrace.__version__, taken_us, signing_key, checkpoint, members),
        )
    return Taken(contents, to, to.stat().st_size, record)


def _checkpoint(log: Path) -> str:
    with closing(sqlite3.connect(f"{log.absolute().as_uri()}?mode=ro", uri=True)) as database:
        row = database.execute("SELECT note FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""

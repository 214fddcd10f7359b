"""How the control store's database is opened. SQLite today; another URL is another dialect of the same tables."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 10.0
"""How long a writer waits for another one."""
WRITES = "headrace_writes"
"""Execution option of a connection that is going to write: it takes SQLite's write lock when it begins, not half-way."""


def open_engine(path: Path) -> Engine:
    """An engine on the SQLite file at `path`, which is made when absent (mode 0600, its folder 0700)."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS, "isolation_level": None})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def look(path: Path) -> sqlite3.Connection:
    """The SQLite file at `path`, to read and leave as it was: no file appears beside it, where nobody has it open. Raises sqlite3.Error,
    also when it is not there.

    SQLite's read-only mode makes the index of a write-ahead log; a file without such a log has no use for one and is opened as one that
    never changes.
    """
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    if not path.exists():
        raise sqlite3.OperationalError("it is not there")
    return sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def open_still(path: Path) -> Engine:
    """An engine that only looks (:func:`look`)."""
    return create_engine("sqlite://", creator=lambda: look(path), poolclass=NullPool)


def _prepare(connection: Any, record: object) -> None:  # noqa: ANN401  the driver's own connection
    """Write-ahead log: readers never wait. A commit is on disk when it returns: a revoked key stays revoked."""
    del record
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """A reader asks one question, which is a transaction of its own; a writer takes the write lock before it reads what it decides by."""
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

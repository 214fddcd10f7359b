"""How the control store's database is opened. SQLite today; another URL is another dialect of the same tables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, create_engine, event

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


def _prepare(connection: Any, record: object) -> None:  # noqa: ANN401  the driver's own connection
    """Write-ahead log: readers never wait. A commit is on disk when it returns: a revoked key stays revoked."""
    del record
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """A reader asks one question, which is a transaction of its own; a writer takes the write lock before it reads what it decides by."""
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

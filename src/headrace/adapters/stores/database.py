"""How the control store's database is opened. SQLite today; another URL is another dialect of the same tables."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, create_engine, event, update
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.pool import NullPool

from headrace.adapters.stores.tables import meta
from headrace.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 10.0
"""How long a writer waits for another one."""
WRITES = "headrace_writes"
"""Execution option of a connection that is going to write: it takes SQLite's write lock when it begins, not half-way."""

KEYS_VERSION: Final = "keys_version"
"""The number in ``meta`` that turns with every change to keys or people."""
_DAMAGED = "The file is damaged: put .headrace/control.db back from your backup."
_MENDS = (("full", "Free some space and try again."), ("not a database", _DAMAGED), ("malformed", _DAMAGED))
"""What to do, by a word of SQLite's reason."""


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


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """A connection that asks."""
    with said(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Generator[Connection]:
    """A connection in one transaction, which ends with the block."""
    with said(), engine.connect() as connection:
        connection.execution_options(**{WRITES: True})
        with connection.begin():
            yield connection


@contextmanager
def said() -> Generator[None]:
    """The database's own refusals, in words."""
    try:
        yield
    except IntegrityError:
        raise  # what we wrote does not fit together: a defect of ours
    except DatabaseError as error:
        why = str(error.orig)
        msg = f"The control store could not be used: {why}."
        mend = next(
            (mend for word, mend in _MENDS if word in why), "Another process holds it, or its folder is not ours to write; try again."
        )
        raise Unavailable(msg, code="control.unavailable", mend=mend) from error


def turn_keys(connection: Connection) -> None:
    """Let every process know that a key or a person has changed."""
    connection.execute(update(meta).where(meta.c.name == KEYS_VERSION).values(value=meta.c.value + 1))

"""The control store's migrations, run by :func:`upgrade`. Apart from the store itself, so that no serving process
loads Alembic; and Alembic only where there is something to bring up to date."""

from __future__ import annotations

import importlib
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from headrace.adapters.stores.control import SCHEMA, schema_version
from headrace.adapters.stores.database import WRITES, look, open_engine
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

_ALEMBIC = "headrace.adapters.stores.migrations.alembic_runs"


def upgrade(path: Path) -> None:
    """Bring the control store at `path` up to date, making it when absent; all or nothing, and safe when two do it at once.

    What was is kept beside it first (:func:`before`). Raises OperationFailed when a newer Headrace wrote it, or the copy cannot be made.
    """
    found = schema_version(path)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        msg = f"The control store {path} was written by a newer Headrace (schema {found}; this one knows {SCHEMA})."
        raise OperationFailed(msg, code="control.schema", mend="Use that version, or another workspace.")
    if found is not None:
        _keep(path, found)
    engine = open_engine(path)
    try:
        with engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                importlib.import_module(_ALEMBIC).upgrade(connection)
    finally:
        engine.dispose()


def before(path: Path, schema: str) -> Path:
    """Where the store is kept as it was when it had this schema: to go back to an older Headrace, put it in the store's place."""
    return path.with_name(f"{path.stem}-{schema}{path.suffix}")


def _keep(path: Path, schema: str) -> None:
    """A whole copy on the disk, or none. Raises OperationFailed."""
    kept = before(path, schema)
    making = kept.with_name(f"{kept.name}.{os.getpid()}.new")
    try:
        os.close(os.open(making, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with closing(look(path)) as source, closing(sqlite3.connect(making)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            (copied,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
        with making.open("rb") as file:
            os.fsync(file.fileno())
        if copied == schema:  # else somebody else has brought it up to date meanwhile, and kept it before
            making.replace(kept)
    except (sqlite3.Error, OSError) as error:
        msg = f"The control store is to be brought up to date, and what it is now cannot be kept first: {error}."
        raise OperationFailed(
            msg, code="control.not_kept", param=str(kept), mend="Nothing was changed. Make room, then try again."
        ) from error
    finally:
        making.unlink(missing_ok=True)

"""The control store's migrations, run by :func:`upgrade`. Apart from the store itself, so that no serving process loads Alembic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

from headrace.adapters.stores.control import SCHEMA, schema_version
from headrace.adapters.stores.database import WRITES, open_engine
from headrace.core.errors import OperationFailed

if TYPE_CHECKING:
    from pathlib import Path

LOCATION = "headrace.adapters.stores:migrations"


def upgrade(path: Path) -> None:
    """Bring the control store at `path` up to date, making it when absent; all or nothing, and safe when two do it at once.

    Raises OperationFailed when a newer Headrace wrote it.
    """
    found = schema_version(path)
    if found == SCHEMA:
        return
    if found is not None and found > SCHEMA:
        msg = f"The control store {path} was written by a newer Headrace (schema {found}; this one knows {SCHEMA})."
        raise OperationFailed(msg, code="control.schema", mend="Use that version, or another workspace.")
    engine = open_engine(path)
    try:
        with engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                command.upgrade(configuration(connection), "head")
    finally:
        engine.dispose()


def configuration(connection: object) -> Config:
    """Alembic's configuration, bound to an open transaction."""
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config

"""Alembic, as it is run on an open transaction. Loading it takes a sixth of what ``headrace up`` loads."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

LOCATION = "headrace.adapters.stores:migrations"


def configuration(connection: object) -> Config:
    """Its configuration, bound to an open transaction."""
    config = Config()
    config.set_main_option("script_location", LOCATION)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: object) -> None:
    """Bring the database of this transaction up to date."""
    command.upgrade(configuration(connection), "head")

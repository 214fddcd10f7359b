"""Runs the migrations in the transaction that :func:`headrace.adapters.stores.migrations.upgrade` opened. Loaded by Alembic alone."""

from __future__ import annotations

from alembic import context

from headrace.adapters.stores.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()

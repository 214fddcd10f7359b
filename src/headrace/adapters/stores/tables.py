"""The control store's tables, as SQLAlchemy sees them. Migration 0001 makes the same ones; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

revisions = Table(
    "revisions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("files", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
)

revision_history = Table(
    "revision_history",
    metadata,
    Column("n", Integer, primary_key=True),
    Column("revision", String(64), ForeignKey("revisions.id"), nullable=False),
    Column("act", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    CheckConstraint("act in ('apply', 'rollback')", name="revision_history_act"),
)

keys = Table(
    "keys",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("groups", Text, nullable=False),
    Column("services", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key_digest", String(64), ForeignKey("keys.digest"), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Index("sessions_expires_us", "expires_us"),
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

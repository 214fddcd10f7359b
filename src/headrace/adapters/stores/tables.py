"""The control store's tables, as SQLAlchemy sees them. The migrations make the same ones; a test compares the two."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

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
    Column("used_us", BigInteger),
    Column("holders", Text, nullable=False, server_default='["written/0"]'),
)
"""`holders` says who the holder is, beyond the id."""

tenures = Table(
    "tenures",
    metadata,
    Column("turn", Integer, primary_key=True),
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("tenure", Integer, nullable=False),
    Index("tenures_id", "tenant", "id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key_digest", String(64), ForeignKey("keys.digest")),
    Column("tenant", Text, nullable=False),
    Column("holder", Text, nullable=False),
    Column("issuer", Text),
    Column("subject", Text),
    Column("provider_session", Text),
    Column("groups", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("seen_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    CheckConstraint("(key_digest is null) <> (subject is null)", name="sessions_opened_by"),
    Index("sessions_expires_us", "expires_us"),
    Index("sessions_holder", "tenant", "holder"),
)

people = Table(
    "people",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("user_name", Text, nullable=False),
    Column("called", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("external", Text, nullable=False),
    Column("groups", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("origin", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("changed_us", BigInteger, nullable=False),
    CheckConstraint("origin in ('import', 'sign-in')", name="people_origin"),
    Index("people_called", "called"),
)
"""`called` is `user_name` case-folded: what is looked for."""

accounts = Table(
    "accounts",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Index("accounts_person", "issuer", "tenant", "person", unique=True),
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

"""The first tables: revisions and their history, keys, sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "revisions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )
    op.create_table(
        "revision_history",
        sa.Column("n", sa.Integer, primary_key=True),
        sa.Column("revision", sa.String(64), sa.ForeignKey("revisions.id"), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.CheckConstraint("act in ('apply', 'rollback')", name="revision_history_act"),
    )
    _keys()
    op.create_table("meta", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.BigInteger, nullable=False))
    op.execute("INSERT INTO meta (name, value) VALUES ('keys_version', 0)")


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("services", sa.Text),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.Column("revoked_us", sa.BigInteger),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key_digest", sa.String(64), sa.ForeignKey("keys.digest"), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Index("sessions_expires_us", "expires_us"),
    )


def downgrade() -> None:
    """Never: state is not thrown away to go back; an older Headrace says that it cannot read the store."""
    msg = "the control store is not downgraded"
    raise RuntimeError(msg)

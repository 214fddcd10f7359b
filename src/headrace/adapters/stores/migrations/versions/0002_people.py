"""People who came by import or by signing in; sessions that a provider opened; when a key was last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables. Sessions that hold go on: whose they are stands in the key that opened them."""
    op.add_column("keys", sa.Column("used_us", sa.BigInteger))
    _people()
    op.rename_table("sessions", "sessions_before")
    op.drop_index("sessions_expires_us", "sessions_before")
    _sessions()
    op.execute(
        "INSERT INTO sessions (digest, key_digest, tenant, holder, groups, created_us, seen_us, expires_us) "
        "SELECT s.digest, s.key_digest, k.tenant, k.holder, '[]', s.created_us, s.created_us, s.expires_us "
        "FROM sessions_before s JOIN keys k ON k.digest = s.key_digest"
    )
    op.drop_table("sessions_before")


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key_digest", sa.String(64), sa.ForeignKey("keys.digest")),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("provider_session", sa.Text),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.CheckConstraint("(key_digest is null) <> (subject is null)", name="sessions_opened_by"),
        sa.Index("sessions_expires_us", "expires_us"),
        sa.Index("sessions_holder", "tenant", "holder"),
    )


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("user_name", sa.Text, nullable=False),
        sa.Column("called", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("external", sa.Text, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.CheckConstraint("origin in ('import', 'sign-in')", name="people_origin"),
        sa.Index("people_called", "called"),
    )
    op.create_table(
        "accounts",
        sa.Column("issuer", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Index("accounts_person", "issuer", "tenant", "person", unique=True),
    )


def downgrade() -> None:
    """Never: state is not thrown away to go back; an older Headrace says that it cannot read the store."""
    msg = "the control store is not downgraded"
    raise RuntimeError(msg)

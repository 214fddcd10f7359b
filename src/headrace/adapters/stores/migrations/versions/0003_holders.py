"""Keys are bound to who their holder is, and not to the id alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table and the column. A key that there is goes on speaking for whom it speaks now, in people.yaml or beside it."""
    op.create_table(
        "tenures",
        sa.Column("turn", sa.Integer, primary_key=True),
        sa.Column("tenant", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("tenure", sa.Integer, nullable=False),
        sa.Index("tenures_id", "tenant", "id"),
    )
    op.add_column("keys", sa.Column("holders", sa.Text, nullable=False, server_default='["written/0"]'))
    op.execute(
        "UPDATE keys SET holders = (SELECT '[\"written/0\",\"kept/' || p.created_us || '\"]' FROM people p "
        "WHERE p.tenant = keys.tenant AND p.id = keys.holder) "
        "WHERE kind = 'person' AND EXISTS (SELECT 1 FROM people p WHERE p.tenant = keys.tenant AND p.id = keys.holder)"
    )


def downgrade() -> None:
    """Never: state is not thrown away to go back; an older Headrace says that it cannot read the store."""
    msg = "the control store is not downgraded"
    raise RuntimeError(msg)

"""How many bytes left for which destination."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "volumes",
        sa.Column("flow", sa.String(64), nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("workload", sa.String(64), nullable=False),
        sa.Column("destination", sa.String(320), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("flow", "slot", name="pk_volumes"),
    )
    op.create_index("ix_volumes_slot", "volumes", ["slot"])


def downgrade() -> None:
    """Take it away: every destination begins anew."""
    op.drop_table("volumes")

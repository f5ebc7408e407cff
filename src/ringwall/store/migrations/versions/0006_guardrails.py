"""Guardrails, and which of them are enforced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "guardrails",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("version", sa.String(8), nullable=False),
        sa.Column("workload", sa.String(64), nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("description", sa.String(200)),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("last_version", sa.BigInteger, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(512), nullable=False),
        sa.Column("token", sa.String(512)),
        sa.Column("token_digest", sa.String(64)),
        sa.PrimaryKeyConstraint("id", "version", name="pk_guardrails"),
    )
    op.create_index("ix_guardrails_workload", "guardrails", ["workload"])
    op.create_index("ix_guardrails_token", "guardrails", ["workload", "token"], unique=True)
    op.create_table(
        "enforced_guardrails",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("workload", sa.String(64), nullable=False),
        sa.Column("guardrail", sa.String(64), nullable=False),
        sa.Column("version", sa.String(8), nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(512), nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.Column("updated_by", sa.String(512), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_enforced_guardrails"),
    )
    op.create_index("ix_enforced_guardrails_workload", "enforced_guardrails", ["workload"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("enforced_guardrails")
    op.drop_table("guardrails")

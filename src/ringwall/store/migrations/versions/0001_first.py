"""The first tables.

A migration is a record of what was: it names its columns itself and never imports `tables`, which moves on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "changes",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_changes"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("subject", sa.String(256), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("workloads", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(512), nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.Column("revoked_us", sa.BigInteger),
        sa.Column("revoked_by", sa.String(512)),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_table(
        "containments",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("scope", sa.String(1024), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(512), nullable=False),
        sa.Column("expires_us", sa.BigInteger),
        sa.Column("lifted_us", sa.BigInteger),
        sa.Column("lifted_by", sa.String(512)),
        sa.Column("lift_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_containments"),
    )
    op.create_index("ix_containments_standing", "containments", ["lifted_us", "expires_us"])
    op.create_table(
        "sessions",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("confidentiality", sa.Integer, nullable=False),
        sa.Column("trust", sa.Integer, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_us", "sessions", ["expires_us"])
    op.create_table(
        "plans",
        sa.Column("version", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("digest", sa.String(128), nullable=False),
        sa.Column("first_run_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_plans"),
    )
    _people()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("username", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.String(256)),
        sa.Column("totp_sealed", sa.LargeBinary),
        sa.Column("totp_step", sa.BigInteger, nullable=False),
        sa.Column("groups", sa.Text, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("disabled_us", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("locked_until_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_users"),
        sa.UniqueConstraint("username", name="uq_users_username"),
    )
    op.create_table(
        "enrolment_codes",
        sa.Column("code_sha256", sa.LargeBinary, nullable=False),
        sa.Column("subject", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("expires_us", sa.BigInteger, nullable=False),
        sa.Column("used_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("code_sha256", name="pk_enrolment_codes"),
        sa.ForeignKeyConstraint(
            ["subject"], ["users.subject"], name="fk_enrolment_codes_subject_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_enrolment_codes_subject", "enrolment_codes", ["subject"])


def downgrade() -> None:
    """There is nothing before the first."""
    raise NotImplementedError("a database is not taken back to before its first version")

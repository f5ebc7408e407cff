"""AWS access keys of API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns."""
    op.add_column("api_keys", sa.Column("access_key_id", sa.String(20)))
    op.add_column("api_keys", sa.Column("sealed_secret", sa.LargeBinary))
    op.create_index("ix_api_keys_access_key_id", "api_keys", ["access_key_id"], unique=True)


def downgrade() -> None:
    """Take them away."""
    op.drop_index("ix_api_keys_access_key_id", "api_keys")
    op.drop_column("api_keys", "access_key_id")
    op.drop_column("api_keys", "sealed_secret")

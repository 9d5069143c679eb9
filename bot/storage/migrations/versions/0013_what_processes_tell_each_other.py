"""Make tables for what processes that share the work tell each other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add both tables, empty."""
    op.create_table(
        "relayed_actions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("job_id", sa.BigInteger, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("answer", sa.String(32)),
    )
    op.create_table(
        "announcements",
        sa.Column("subject", sa.String(16), primary_key=True),
        sa.Column("serial", sa.String(32), nullable=False),
        sa.Column("value", sa.String(32), nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )

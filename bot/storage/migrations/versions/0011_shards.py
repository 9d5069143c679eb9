"""Keep to which shard a job and a pending reply belong."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add a column to two tables; so far one process served all shards, so any number is right."""
    for table in ("jobs", "placeholders"):
        op.add_column(table, sa.Column("shard", sa.Integer, nullable=False, server_default="0"))

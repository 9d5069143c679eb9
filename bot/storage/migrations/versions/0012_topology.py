"""Keep how many shards there are, and how many processes share them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add a table of one row; it is empty until the first process says how the work is split."""
    op.create_table(
        "topology",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("shard_count", sa.Integer, nullable=False),
        sa.Column("processes", sa.Integer, nullable=False),
    )

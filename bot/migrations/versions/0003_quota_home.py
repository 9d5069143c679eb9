"""Keep a job's quota home apart from its card's place, and until when its file is fetched again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add two columns to jobs; so far a job counted where its card was."""
    op.add_column("jobs", sa.Column("quota_guild_id", sa.BigInteger))
    op.add_column("jobs", sa.Column("refetch_until", sa.BigInteger))
    op.execute("UPDATE jobs SET quota_guild_id = guild_id")

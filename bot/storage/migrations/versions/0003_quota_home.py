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
    if not sa.inspect(op.get_bind()).has_table("placeholders"):
        _create_placeholders()


def _create_placeholders() -> None:
    """Add the table that the very first 0001 did not make."""
    op.create_table(
        "placeholders",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("token", sa.Text),
        sa.Column("token_expires", sa.BigInteger),
        sa.Column("private", sa.Boolean, nullable=False),
    )

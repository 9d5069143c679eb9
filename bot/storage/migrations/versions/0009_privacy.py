"""Remember whose data is to be erased, which servers the bot has left, and find what is old at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add two tables, and to jobs a column and two indexes that leave out what is erased."""
    op.add_column("jobs", sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()))
    kept, live = sa.text("deleted_at IS NULL"), sa.text("token IS NOT NULL")
    op.create_index(
        "jobs_with_content", "jobs", ["created_at", "id"], sqlite_where=kept, postgresql_where=kept
    )
    op.create_index("jobs_with_token", "jobs", ["token_expires"], sqlite_where=live, postgresql_where=live)
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "departures",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )

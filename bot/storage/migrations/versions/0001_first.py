"""Lay out jobs, quota rules, quota resets and notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


ENDED = "('delivered', 'failed', 'cancelled', 'refused')"


def upgrade() -> None:
    """Make the first tables, or take over those of a time before there were migrations."""
    # Long, because a migration says in one place what it makes.
    if sa.inspect(op.get_bind()).has_table("jobs"):
        _take_over()
        return
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("charge", sa.String(16), nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("channel_id", sa.BigInteger, nullable=False),
        sa.Column("message_id", sa.BigInteger),
        sa.Column("token", sa.Text),
        sa.Column("token_expires", sa.BigInteger),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("keeps_references", sa.Boolean, nullable=False),
        sa.Column("upload_limit", sa.BigInteger),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("prompt", sa.Text, nullable=False),
        sa.Column("reference_list", sa.JSON, nullable=False),
        sa.Column("duration", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("waiting_until", sa.BigInteger),
        sa.Column("reason", sa.String(32)),
        sa.Column("detail", sa.String(100)),
        sa.Column("results", sa.JSON, nullable=False),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "told"])
    op.create_index("jobs_by_user", "jobs", ["user_id", "created_at"])
    op.create_index("jobs_by_time", "jobs", ["created_at"])
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
    op.create_table(
        "quota_rules",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("target_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("videos", sa.Integer),
        sa.Column("seconds", sa.Integer),
        sa.Column("per", sa.String(16), nullable=False),
    )
    op.create_table(
        "quota_resets",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _take_over() -> None:
    """Add what the tables of the first days lack."""
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("jobs")}
    for name in ("told", "keeps_references"):
        if name not in known:
            op.add_column("jobs", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    if "told" not in known:
        # Nobody is to hear once more of what ended long ago.
        op.execute(f"UPDATE jobs SET told = true WHERE state IN {ENDED}")  # noqa: S608 - our own words
        op.drop_index("jobs_by_state", "jobs")
        op.create_index("jobs_by_state", "jobs", ["state", "told"])

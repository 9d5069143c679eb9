"""Keep budgets of servers, warnings about budgets, and how many videos a rule allows at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add two tables, and a column to quota_rules."""
    op.add_column("quota_rules", sa.Column("at_once", sa.Integer))
    op.create_table(
        "server_budgets",
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("videos", sa.Integer),
        sa.Column("seconds", sa.Integer),
        sa.Column("per", sa.String(16), nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
    )
    op.create_table(
        "budget_warnings",
        sa.Column("scope", sa.String(16), primary_key=True),
        sa.Column("guild_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )

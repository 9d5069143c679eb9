"""Keep pictures under a name, with whom they are shared, and how often others used them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the tables of saved references; nobody has saved one so far."""
    op.create_table(
        "cast_references",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("owner_id", sa.BigInteger, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("name_key", sa.String(100), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Index("cast_references_by_name", "owner_id", "name_key", unique=True),
    )
    _add_pictures()
    _add_shares()


def _add_pictures() -> None:
    op.create_table(
        "cast_pictures",
        sa.Column("reference_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("preview", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def _add_shares() -> None:
    op.create_table(
        "cast_shares",
        sa.Column("reference_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("level", sa.String(16), primary_key=True),
        sa.Column("target_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("agreed_by", sa.BigInteger, nullable=False),
        sa.Column("agreed_at", sa.BigInteger, nullable=False),
        sa.Column("removed_by", sa.BigInteger),
        sa.Column("removed_at", sa.BigInteger),
        sa.Index("cast_shares_by_target", "target_id", "level"),
        sa.Index("cast_shares_by_guild", "guild_id"),
    )
    op.create_table(
        "cast_uses",
        sa.Column("reference_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Index("cast_uses_by_user", "user_id"),
    )

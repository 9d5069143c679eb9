"""The tables of saved references."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.columns import Number, Small, Word
from bot.storage.schema import metadata

# Pictures stand apart from what is listed, and their bytes come last: nothing reads past them for a list.
cast_references = sa.Table(
    "cast_references",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("owner_id", Number, nullable=False),
    sa.Column("name", Word(100), nullable=False),
    sa.Column("name_key", Word(100), nullable=False),
    sa.Column("created_at", Number, nullable=False),
    sa.Index("cast_references_by_name", "owner_id", "name_key", unique=True),
)

cast_pictures = sa.Table(
    "cast_pictures",
    metadata,
    sa.Column("reference_id", Number, primary_key=True, autoincrement=False),
    sa.Column("position", Small, primary_key=True, autoincrement=False),
    sa.Column("kind", Word(16), nullable=False),
    sa.Column("size", Small, nullable=False),
    sa.Column("width", Small, nullable=False),
    sa.Column("height", Small, nullable=False),
    sa.Column("digest", Word(64), nullable=False),
    sa.Column("preview", sa.LargeBinary, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

cast_shares = sa.Table(
    "cast_shares",
    metadata,
    sa.Column("reference_id", Number, primary_key=True, autoincrement=False),
    sa.Column("level", Word(16), primary_key=True),
    sa.Column("target_id", Number, primary_key=True, autoincrement=False),  # a person or a server
    sa.Column("guild_id", Number),  # where it was shared
    sa.Column("agreed_by", Number, nullable=False),
    sa.Column("agreed_at", Number, nullable=False),
    sa.Column("removed_by", Number),
    sa.Column("removed_at", Number),
    sa.Index("cast_shares_by_target", "target_id", "level"),
    sa.Index("cast_shares_by_guild", "guild_id"),
)

cast_uses = sa.Table(
    "cast_uses",
    metadata,
    sa.Column("reference_id", Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", Number, primary_key=True, autoincrement=False),  # not its owner
    sa.Column("times", Small, nullable=False),
    sa.Column("last_at", Number, nullable=False),
    sa.Index("cast_uses_by_user", "user_id"),
)

"""What moderators decided about their servers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.models.moderation import Block
from bot.storage.database import Database
from bot.storage.schema import member_blocks, optional_micros, optional_moment, to_micros, to_moment


class ModerationStore:
    """Blocks of members."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def save_block(self, block: Block) -> None:
        """Keep a block in place of an older one of the same member."""
        values = {
            "by_id": block.by_id,
            "at": to_micros(block.at),
            "until": optional_micros(block.until),
            "reason": block.reason,
        }
        await self._database.replace(member_blocks, _block_key(block.guild_id, block.user_id), values)

    async def remove_block(self, guild_id: int, user_id: int) -> None:
        """Remove a block, if there is one."""
        key = _block_key(guild_id, user_id)
        conditions = (member_blocks.c[name] == value for name, value in key.items())
        await self._database.write(self._limits.interactive, member_blocks.delete().where(*conditions))

    async def remove_ended_blocks(self, now: datetime) -> None:
        """Remove the blocks whose time is over."""
        ended = member_blocks.delete().where(member_blocks.c.until <= to_micros(now))
        await self._database.write(self._limits.startup, ended)

    async def blocks(self) -> list[Block]:
        """Return the blocks of all servers, oldest first."""
        query = member_blocks.select().order_by(member_blocks.c.at, member_blocks.c.user_id)
        return await self._database.read(query, _row_to_block, self._limits.startup)


def _block_key(guild_id: int, user_id: int) -> dict[str, int]:
    return {"guild_id": guild_id, "user_id": user_id}


def _row_to_block(row: sa.Row[Any]) -> Block:
    return Block(
        row.guild_id, row.user_id, row.by_id, to_moment(row.at), optional_moment(row.until), row.reason
    )

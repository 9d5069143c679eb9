"""What moderators decided about their servers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.models.languages import stored_language
from bot.models.moderation import AgeRule, Block, EntryKind, FilterEntry, ServerSettings
from bot.storage.columns import optional_micros, optional_moment, to_micros, to_moment
from bot.storage.database import Database
from bot.storage.schema import filter_entries, member_blocks, server_settings


class ModerationStore:
    """Blocks of members, entries of filters, and the settings of servers."""

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

    async def save_entry(self, guild_id: int, entry: FilterEntry, by_id: int, at: datetime) -> None:
        """Keep an entry of a server's filter."""
        values = {"by_id": by_id, "at": to_micros(at)}
        await self._database.replace(filter_entries, _entry_key(guild_id, entry), values)

    async def remove_entry(self, guild_id: int, entry: FilterEntry) -> None:
        """Remove an entry of a server's filter, if it is there."""
        key = _entry_key(guild_id, entry)
        conditions = (filter_entries.c[name] == value for name, value in key.items())
        await self._database.write(self._limits.interactive, filter_entries.delete().where(*conditions))

    async def entries(self) -> list[tuple[int, FilterEntry]]:
        """Return the entries of all servers' filters, oldest first."""
        query = filter_entries.select().order_by(filter_entries.c.at, filter_entries.c.text)
        return await self._database.read(query, _row_to_entry, self._limits.startup)

    async def save_settings(self, guild_id: int, settings: ServerSettings) -> None:
        """Keep the settings of a server in place of older ones."""
        values = {
            "log_channel_id": settings.log_channel_id,
            "log_broken": settings.log_broken,
            "age": settings.age.value,
            "language": settings.language.value if settings.language else None,
        }
        await self._database.replace(server_settings, {"guild_id": guild_id}, values)

    async def settings(self) -> list[tuple[int, ServerSettings]]:
        """Return the settings of all servers."""
        return await self._database.read(server_settings.select(), _row_to_settings, self._limits.startup)


def _block_key(guild_id: int, user_id: int) -> dict[str, int]:
    return {"guild_id": guild_id, "user_id": user_id}


def _row_to_block(row: sa.Row[Any]) -> Block:
    return Block(
        row.guild_id, row.user_id, row.by_id, to_moment(row.at), optional_moment(row.until), row.reason
    )


def _entry_key(guild_id: int, entry: FilterEntry) -> dict[str, int | str]:
    return {"guild_id": guild_id, "kind": entry.kind.value, "text": entry.text}


def _row_to_entry(row: sa.Row[Any]) -> tuple[int, FilterEntry]:
    return row.guild_id, FilterEntry(row.text, EntryKind(row.kind))


def _row_to_settings(row: sa.Row[Any]) -> tuple[int, ServerSettings]:
    language = stored_language(row.language) if row.language else None
    return row.guild_id, ServerSettings(row.log_channel_id, row.log_broken, AgeRule(row.age), language)

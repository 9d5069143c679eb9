"""The one place where moderators' decisions about a server are changed: storage first, then memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta

from bot.clock import Clock
from bot.models.moderation import Block
from bot.storage.moderation import ModerationStore


class ModerationService:
    """What moderators change and look at, and what is asked before a member spends anything."""

    def __init__(self, store: ModerationStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._blocks: defaultdict[int, dict[int, Block]] = defaultdict(dict)  # by server, then by member
        # Memory takes the changes of a server in the order in which storage took them.
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """Read what was decided before. Raises StorageUnavailable."""
        await self._store.remove_ended_blocks(self._clock.now())
        for block in await self._store.blocks():
            self._blocks[block.guild_id][block.user_id] = block

    async def block(
        self, guild_id: int, user_id: int, by_id: int, *, reason: str = "", length: timedelta | None = None
    ) -> tuple[Block | None, Block]:
        """Let a member make no videos; return the block as it was before and as it is now.

        Raises StorageUnavailable where it could not be saved; then nothing has changed.
        """
        async with self._locks[guild_id]:
            now = self._clock.now()
            before = self.block_of(guild_id, user_id)
            block = Block(guild_id, user_id, by_id, now, None if length is None else now + length, reason)
            await self._store.save_block(block)
            self._blocks[guild_id][user_id] = block
        return before, block

    async def unblock(self, guild_id: int, user_id: int) -> Block | None:
        """End a block and return it; None where there was none. Raises StorageUnavailable."""
        async with self._locks[guild_id]:
            before = self.block_of(guild_id, user_id)
            await self._store.remove_block(guild_id, user_id)
            self._blocks[guild_id].pop(user_id, None)
        return before

    def block_of(self, guild_id: int, user_id: int) -> Block | None:
        """Return why a member may make no videos here, None where they may."""
        block = self._blocks[guild_id].get(user_id) if guild_id in self._blocks else None
        return None if block is None or block.has_ended(self._clock.now()) else block

    def blocks(self, guild_id: int) -> list[Block]:
        """Return who may make no videos in a server, the latest first."""
        now = self._clock.now()
        found = [block for block in self._blocks.get(guild_id, {}).values() if not block.has_ended(now)]
        return sorted(found, key=lambda block: (block.at, block.user_id), reverse=True)

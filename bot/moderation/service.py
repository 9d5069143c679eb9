"""The one place where moderators' decisions about a server are changed: storage first, then memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.clock import Clock
from bot.models.languages import Language
from bot.models.moderation import ENTRIES_MAX, AgeRule, Block, FilterEntry, FilterHit, ServerSettings
from bot.moderation.content_filter import ContentFilter, check_entry
from bot.moderation.normalization import simplify
from bot.storage.moderation import ModerationStore
from bot.storage.privacy.servers import ServerStore
from bot.ui.plain_text import BREAK


class TooManyEntries(Exception):  # noqa: N818 - it names what happened
    """A server's filter is full."""


class ModerationService:
    """What moderators change and look at, and what is asked before a member spends anything."""

    # Long, because blocks, filter and settings of a server change under one lock and are forgotten at once.

    def __init__(
        self,
        store: ModerationStore,
        servers: ServerStore,
        clock: Clock,
        operator_entries: Sequence[FilterEntry] = (),
    ) -> None:
        self._store = store
        self._servers = servers
        self._operator_filter = ContentFilter(operator_entries)
        self._settings: dict[int, ServerSettings] = {}  # by server
        self._filters: dict[int, ContentFilter] = {}  # by server
        self._clock = clock
        self._blocks: defaultdict[int, dict[int, Block]] = defaultdict(dict)  # by server, then by member
        # Memory takes the changes of a server in the order in which storage took them.
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def load(self) -> None:
        """Read what was decided before. Raises StorageUnavailable."""
        await self._store.remove_ended_blocks(self._clock.now())
        for block in await self._store.blocks():
            self._blocks[block.guild_id][block.user_id] = block
        entries: defaultdict[int, list[FilterEntry]] = defaultdict(list)
        for guild_id, entry in await self._store.entries():
            entries[guild_id].append(entry)
        self._settings = dict(await self._store.settings())
        self._filters = {guild_id: ContentFilter(found) for guild_id, found in entries.items()}

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

    async def add_entry(self, guild_id: int, entry: FilterEntry, by_id: int) -> tuple[FilterEntry, bool]:
        """Refuse prompts with this in them; return the entry as it is kept, and whether it is new.

        Raises BadEntry where it can't be used, TooManyEntries, StorageUnavailable; then nothing has changed.
        """
        checked = check_entry(entry)
        async with self._locks[guild_id]:
            entries = self.entries(guild_id)
            if checked in entries:
                return checked, False
            if len(entries) >= ENTRIES_MAX:
                raise TooManyEntries
            await self._store.save_entry(guild_id, checked, by_id, self._clock.now())
            self._filters[guild_id] = ContentFilter([*entries, checked])
        return checked, True

    async def remove_entry(self, guild_id: int, text: str) -> list[FilterEntry]:
        """Remove what is written like this from a server's filter and return it; raises as `unblock`."""
        # A list shows some entries with a mark that can't be seen, and whoever copies one copies it too.
        written = {text.strip(), text.replace(BREAK, "").strip(), simplify(text)}
        async with self._locks[guild_id]:
            entries = self.entries(guild_id)
            found = [entry for entry in entries if entry.text in written]
            for entry in found:
                await self._store.remove_entry(guild_id, entry)
            self._filters[guild_id] = ContentFilter([entry for entry in entries if entry not in found])
        return found

    def entries(self, guild_id: int) -> Sequence[FilterEntry]:
        """Return what no prompt in a server may have in it, oldest first."""
        found = self._filters.get(guild_id)
        return found.entries if found else ()

    def filter_hit(self, guild_id: int | None, text: str) -> FilterHit | None:
        """Return what a text has in it that it may not have here, None where it is fine."""
        own = self._filters.get(guild_id) if guild_id is not None else None
        entries = own.hits(text) if own else []
        by_operator = bool(self._operator_filter.hits(text))
        return FilterHit(entries, by_operator) if entries or by_operator else None

    def settings(self, guild_id: int) -> ServerSettings:
        """Return what the managers of a server chose."""
        return self._settings.get(guild_id, ServerSettings())

    def has_settings(self, guild_id: int) -> bool:
        """Tell whether the managers of a server ever chose anything."""
        return guild_id in self._settings

    async def set_log_channel(self, guild_id: int, channel_id: int | None) -> ServerSettings:
        """Choose where the log goes, or turn it off; return the settings before; raises as `unblock`."""
        return await self._change_settings(
            guild_id, lambda settings: replace(settings, log_channel_id=channel_id, log_broken=False)
        )

    async def set_age(self, guild_id: int, age: AgeRule) -> AgeRule:
        """Choose how videos are shown outside of age-restricted channels; return what was chosen before.

        Raises StorageUnavailable.
        """
        return (await self._change_settings(guild_id, lambda settings: replace(settings, age=age))).age

    async def set_language(self, guild_id: int, language: Language | None) -> Language | None:
        """Choose the language of what everyone sees; return what was chosen before; raises as `unblock`."""
        return (await self._change_settings(guild_id, lambda old: replace(old, language=language))).language

    async def set_log_broken(self, guild_id: int, broken: bool) -> None:
        """Remember whether the log could be written. Raises StorageUnavailable."""
        if self.settings(guild_id).log_broken is not broken:
            await self._change_settings(guild_id, lambda settings: replace(settings, log_broken=broken))

    async def forget_server(self, guild_id: int) -> None:
        """Erase all that the moderators of a server have decided. Raises StorageUnavailable."""
        async with self._locks[guild_id]:
            await self._servers.erase_moderation(guild_id)
            self._settings.pop(guild_id, None)
            self._filters.pop(guild_id, None)
            self._blocks.pop(guild_id, None)

    async def _change_settings(
        self, guild_id: int, change: Callable[[ServerSettings], ServerSettings]
    ) -> ServerSettings:
        """Change the settings of a server and return what they were."""
        async with self._locks[guild_id]:
            before = self.settings(guild_id)
            settings = change(before)
            await self._store.save_settings(guild_id, settings)
            self._settings[guild_id] = settings
        return before

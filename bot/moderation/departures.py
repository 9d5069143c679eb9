"""Which servers the bot was removed from: their rules go some time later, unless it comes back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import datetime
from functools import partial
from typing import Any

from bot.clock import Clock, sleep
from bot.models.shards import ALL, Share
from bot.storage.storage import Storage, StorageUnavailable
from bot.tasks import Tasks

RETRY = 60.0  # seconds before a database in trouble is asked again

log = logging.getLogger(__name__)


class Departures:
    """Notes who leaves and who comes back; while storage is in trouble that is made up for later."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        tasks: Tasks,
        end_shares: Callable[[int], Awaitable[None]],
        share: Share = ALL,
    ) -> None:
        self._store = storage.servers
        self._end_shares = end_shares  # of references: they don't outlast the bot's time in a server
        self._clock = clock
        self._share = share
        self._tasks = tasks
        self._latest: dict[int, bool] = {}  # whether the bot is in a server, where that changed

    def left(self, guild_id: int) -> None:
        """Note that the bot was removed from a server."""
        self._note(guild_id, partial(self._leave, guild_id, self._clock.now()), present=False)

    def joined(self, guild_id: int) -> None:
        """Note that the bot was added to a server, perhaps again."""
        self._note(guild_id, partial(self._store.cancel_departures, {guild_id}), present=True)

    def _note(self, guild_id: int, write: Callable[[], Coroutine[Any, Any, None]], *, present: bool) -> None:
        self._latest[guild_id] = present
        self._tasks.persist(
            write, f"note server {guild_id}", wanted=lambda: self._latest[guild_id] is present
        )

    def compare(self, present: Collection[int]) -> None:
        """Find out, after a time without a connection, which servers the bot is in no more or again."""
        self._tasks.persist(
            partial(self._compare, frozenset(present)), "compare the servers", wanted=lambda: True
        )

    async def _compare(self, present: frozenset[int]) -> None:
        now = self._clock.now()
        while True:
            try:
                await self._note_changes(present, now)
            except StorageUnavailable as trouble:
                log.warning("Which servers the bot has left isn't noted yet (%s)", trouble)
                await sleep(self._clock, RETRY)
            else:
                return

    async def _note_changes(self, present: frozenset[int], now: datetime) -> None:
        # Which of the others the bot is in, only the processes know that serve them.
        for guild_id in filter(self._share.is_home_of, await self._store.known() - present):
            await self._leave(guild_id, now)
        await self._store.cancel_departures(set(present))

    async def _leave(self, guild_id: int, now: datetime) -> None:
        await self._store.note_departure(guild_id, now)
        await self._end_shares(guild_id)

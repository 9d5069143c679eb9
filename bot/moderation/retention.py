"""Nothing is kept longer than it is needed: prompts, files, links, tokens and drafts are erased by age.

Of several processes each erases what belongs to its shards, and the one with the first shard all that belongs
to none.

Jobs are found by indexes that hold only what is left to erase, so an hour in which nothing is old costs a few
small statements, however long the history is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from bot.clock import Clock, sleep
from bot.models.privacy import Erasure
from bot.models.shards import ALL, Share
from bot.storage.privacy.members import ErasureRequest
from bot.storage.privacy.retention import BATCH, START, AgeLimits, Place
from bot.storage.storage import Storage, StorageFault, StorageUnavailable

log = logging.getLogger(__name__)

FIRST = timedelta(minutes=1)  # after a start, which has enough to do
EVERY = timedelta(hours=1)
PENDING_EVERY = timedelta(minutes=1)  # while members wait for what is running to end and be erased
BETWEEN_BATCHES = 0.1  # seconds in which others write
SETTLES = 2.0  # seconds: a deletion erases twice, its content and then what led to its card
LARGE_EVERY = timedelta(days=1)  # how often a large file is written anew
GONE_FOR = timedelta(days=30)  # how long the rules of a server stay that the bot was removed from
COMPACTED = "database compacted"  # the note of when a large file was

Find = Callable[[Place], Awaitable[list[Place]]]
Erase = Callable[[Sequence[int]], Awaitable[int]]


class Jobs(Protocol):
    """The jobs in memory, whose rows only they change."""

    @property
    def idle(self) -> bool:
        """Tell whether nothing is to be done for any job."""
        ...

    async def erase_content(self, job_ids: Sequence[int]) -> int:
        """Erase the content of those of these jobs that are done, and return how many that were."""
        ...

    async def erase_tokens(self, job_ids: Sequence[int]) -> int:
        """Erase the tokens of those of these jobs that are dead, and return how many that were."""
        ...


class Retention:
    """Erases once an hour what is old, and what members asked for as soon as that is possible."""

    def __init__(
        self,
        storage: Storage,
        jobs: Jobs,
        clock: Clock,
        kept_for: timedelta,
        *,
        forget_server: Callable[[int], Awaitable[None]],
        refresh_logs: Callable[[], Awaitable[None]],
        share: Share = ALL,
    ) -> None:
        self._limits = AgeLimits(kept_for, GONE_FOR)
        self._storage = storage
        self._store = storage.retention
        self._compaction = storage.compaction
        self._jobs = jobs
        self._forget_server = forget_server
        self._refresh_logs = refresh_logs  # of servers, which may quote what was erased
        self._logs_quote = False
        self._share = share
        self._clock = clock
        self._pending: dict[int, ErasureRequest] = {}  # by member: something of theirs has not ended yet
        self._next_run = clock.now() + FIRST
        self._running = asyncio.Lock()  # an erasure that a member waits for, and the hourly one

    async def run(self) -> None:
        """Erase, for ever; while the database is in trouble the next time comes soon."""
        while True:
            await self._wait()
            try:
                if self._clock.now() >= self._next_run:
                    await self._erase_old()
                    self._next_run = self._clock.now() + EVERY
                elif self._pending:
                    for request in list(self._pending.values()):
                        await self.fulfil(request)
                if self._logs_quote:
                    await self._refresh_logs()
                    self._logs_quote = False
                if self._compaction.wanted:
                    await self._compact()
            except (StorageUnavailable, StorageFault) as trouble:
                log.error("Not everything old is erased yet (%s)", trouble)
                await sleep(self._clock, PENDING_EVERY.total_seconds())
                if self._compaction.wanted:
                    self._compaction.request()

    async def fulfil(self, request: ErasureRequest) -> Erasure:
        """Erase what a member asked for and what has ended; what has not is looked at again every minute."""
        async with self._running:
            self._pending[request.user_id] = request
            find = partial(self._store.jobs_of, request.user_id, request.at)
            erased = await self._in_batches(find, self._jobs.erase_content)
            left = len(await find(START))
            if not left:
                self._pending.pop(request.user_id, None)
        if erased:
            self._logs_quote = True
            self._compaction.request()
        return Erasure(erased, left)

    async def _wait(self) -> None:
        """Wait until something is due."""
        until = self._next_run
        if self._pending:
            until = min(until, self._clock.now() + PENDING_EVERY)
        await self._clock.wait(self._compaction.soon, max(0.0, (until - self._clock.now()).total_seconds()))
        if self._compaction.soon.is_set():
            await sleep(self._clock, SETTLES)

    async def _erase_old(self) -> None:
        now = self._clock.now()
        # Others erase as well, also in the servers whose logs only this process writes.
        self._logs_quote = self._logs_quote or self._share != ALL
        if not await self._store.is_due(now, self._limits):
            return
        share = self._share
        erased = await self._in_batches(
            partial(self._store.jobs_with_dead_tokens, now, share=share), self._jobs.erase_tokens
        )
        old = await self._in_batches(
            partial(self._store.jobs_before, now - self._limits.content, share=share),
            self._jobs.erase_content,
        )
        if share.serves(0):
            erased += await self._store.erase_small(now)
            for request in await self._storage.members.erasure_requests():
                old += (await self.fulfil(request)).videos
                erased += await self._storage.members.forget(request, now)
        for guild_id in await self._storage.servers.left_before(now - self._limits.server_left):
            if not share.is_home_of(guild_id):
                continue
            await self._forget_server(guild_id)
            log.info("The rules of server %s are erased: the bot was removed from it", guild_id)
            erased += 1
        if old:
            self._logs_quote = True
            log.info("The content of %d jobs is erased", old)
        if old or erased:
            self._compaction.request()

    async def _in_batches(self, find: Find, erase: Erase) -> int:
        """Erase everything that is found, and let others write in between."""
        erased, place = 0, START
        while True:
            found = await find(place)
            if found:
                erased += await erase([job_id for _, job_id in found])
                place = found[-1]
            if len(found) < BATCH:
                return erased
            await sleep(self._clock, BETWEEN_BATCHES)

    async def _compact(self) -> None:
        """Take what was erased out of the file: a large one at most once a day, while nothing runs."""
        self._compaction.soon.clear()
        now = self._clock.now()
        if not self._compaction.is_small():
            if not self._jobs.idle or now < await self._last_compacted() + LARGE_EVERY:
                return
            await self._storage.notes.save(COMPACTED, now.isoformat())
        if not await self._compaction.compact():
            raise StorageUnavailable("the log of the database is in use")

    async def _last_compacted(self) -> datetime:
        noted = await self._storage.notes.get(COMPACTED)
        return datetime.fromisoformat(noted) if noted else self._clock.now() - LARGE_EVERY

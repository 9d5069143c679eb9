"""A slot as a lease in Postgres: held as long as the process renews it, wherever it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from bot.clock import Clock, monotonic, sleep
from bot.models.shards import Share
from bot.slots.slot import Slot, SlotState
from bot.storage.leases import Lease
from bot.storage.storage import Storage, StorageFault, StorageUnavailable, TimeLimits
from bot.tasks import Tasks
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

NAME = "slot 0"  # of the lease; stored
RETRY = 0.2  # seconds before a database that gave no answer is asked again whether the slot is held

_TAKEN = (
    "Another process has taken over this database, because this one didn't respond for too long. "
    "If it's started again, it waits until it is needed."
)
_UNREACHABLE = (
    "This process didn't reach the database for {seconds:g} seconds, so another process may take over. "
    "Check the database server, and that this machine wasn't suspended. Then start the bot again."
)


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds."""

    renew: float = 2.0  # how often a lease is renewed
    last: float = 10.0  # how long it lasts without that
    ask: float = 1.0  # how often a process that waits asks whether the slot is free


class LeasedSlot(Slot):
    """One process holds the slot, the others wait for it."""

    def __init__(
        self,
        url: str,
        shard_ids: tuple[int, ...],
        clock: Clock,
        times: LeaseTimes,
        *,
        now: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__()
        self._url = url
        self.share = Share(range(len(shard_ids)), len(shard_ids))
        self._clock = clock
        self._times = times
        self._now = now
        self._tasks = Tasks(clock)  # its own: those of the bot end while the slot is still needed
        self._good_until = 0.0  # on this machine's clock, and never later than in the database
        self._lost = asyncio.Event()
        self._why = ""
        self._held: tuple[Storage, Lease] | None = None

    @asynccontextmanager
    async def open_storage(
        self, limits: TimeLimits | None = None, *, metrics: Metrics = NO_METRICS
    ) -> AsyncIterator[Storage]:
        """Open the storage once no other process works on it; give the slot back at the end of the block.

        Raises StorageUnusable and StorageUnavailable.
        """
        storage, lease = await self._take(limits, metrics)
        try:
            storage.leases.guard_writes(lease)
            self._held = storage, lease
            self.state = SlotState.HOLDING
            self._tasks.supervise(self._keep, "renew the lease of the slot")
            yield storage
        finally:
            await storage.replies.close()
            await self._release(storage, lease)
            await storage.close()

    def is_held(self) -> bool:
        """Tell whether this process still holds the slot, as far as this machine's clock can tell."""
        if self.state is SlotState.HOLDING and self._now() >= self._good_until:
            self._lose(_UNREACHABLE.format(seconds=self._times.last))
        return self.state is SlotState.HOLDING

    async def confirm(self) -> bool:
        """Tell whether this process still holds the slot, as the database sees it."""
        while self.is_held():
            assert self._held is not None
            storage, lease = self._held
            try:
                if not await storage.leases.is_held(lease):
                    self._lose(_TAKEN)
            except (StorageUnavailable, StorageFault):
                await sleep(self._clock, RETRY)  # until it answers, or the slot has ended
            else:
                break
        return self.is_held()  # again: the process may have been stopped while it waited for the answer

    async def wait_lost(self) -> str:
        """Wait until the slot is lost, and return why in one sentence."""
        await self._lost.wait()
        return self._why

    async def _take(self, limits: TimeLimits | None, metrics: Metrics) -> tuple[Storage, Lease]:
        """Return the open storage and the lease of the slot, once no other process has it."""
        owner = uuid4().hex
        storage = await Storage.open(self._url, limits, metrics)
        try:
            lease = await self._lease(storage, owner)
            if lease is None:
                log.warning(
                    "Another process runs this bot on the same database, or ended seconds ago; "
                    "this one waits as a standby and takes over when the other one ends"
                )
                while lease is None:
                    await sleep(self._clock, self._times.ask)
                    lease = await self._try_lease(storage, owner)
                log.warning("The other process has ended; this one takes over")
                await storage.close()
                storage = await Storage.open(
                    self._url, limits, metrics
                )  # which that process may have upgraded
        except BaseException:
            await storage.close()
            raise
        return storage, lease

    async def _lease(self, storage: Storage, owner: str) -> Lease | None:
        began = self._now()
        lease = await storage.leases.take(NAME, owner, self._times.last)
        self._good_until = began + self._times.last
        return lease

    async def _try_lease(self, storage: Storage, owner: str) -> Lease | None:
        try:
            return await self._lease(storage, owner)
        except (StorageUnavailable, StorageFault) as trouble:
            log.warning("The database gives no answer to the standby (%s); it goes on asking", trouble)
            return None

    async def _keep(self) -> None:
        """Renew the lease until it is lost."""
        assert self._held is not None
        storage, lease = self._held
        while self.state is SlotState.HOLDING:
            left = self._good_until - self._now()
            await sleep(self._clock, min(self._times.renew, left))
            began = self._now()
            if not self.is_held():
                return
            patience = min(self._times.renew, self._good_until - began)
            try:
                live = await storage.leases.renew(lease, self._times.last, patience=patience)
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("The lease of the slot is not renewed yet (%s)", trouble)
                continue
            if live:
                self._good_until = began + self._times.last
                self._beat(live)
            else:
                self._lose(_TAKEN)

    async def _release(self, storage: Storage, lease: Lease) -> None:
        """Let another process take over at once; from here on this one writes nothing."""
        await self._tasks.close()
        if self.state is not SlotState.HOLDING:
            return
        self.state = SlotState.RELEASED
        try:
            await storage.leases.release(lease)
        except (StorageUnavailable, StorageFault) as trouble:
            log.warning("The slot is not given back (%s); it is free in %g s", trouble, self._times.last)

    def _lose(self, why: str) -> None:
        if self.state is SlotState.HOLDING:
            self.state, self._why = SlotState.LOST, why
            self._lost.set()

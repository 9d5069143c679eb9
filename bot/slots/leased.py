"""A slot as a lease in Postgres: held as long as the process renews it, wherever it runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bot.clock import Clock, monotonic, sleep
from bot.slots.slot import Slot, SlotLost, SlotState
from bot.slots.taking import HeldSlot, LeaseTimes, SlotQueue
from bot.slots.wanted import WantedTopology
from bot.storage.storage import Storage, StorageFault, StorageUnavailable, TimeLimits
from bot.tasks import Tasks
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

RETRY = 0.2  # seconds before the database is asked again for what somebody waits for

_TAKEN = (
    "Another process has taken over, because this one didn't respond for too long. "
    "If it's started again, it waits until it is needed."
)
_UNREACHABLE = (
    "This process didn't reach the database for {seconds:g} seconds, so another process may take over. "
    "Check the database server, and that this machine wasn't suspended. Then start the bot again."
)


class LeasedSlot(Slot):
    """One process holds each slot, the others wait for one."""

    def __init__(
        self,
        url: str,
        wanted: WantedTopology,
        clock: Clock,
        times: LeaseTimes,
        *,
        now: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__()
        self._queue = SlotQueue(url, wanted, clock, times, now)
        self._clock = clock
        self._times = times
        self._now = now
        self._tasks = Tasks(clock)  # its own: those of the bot end while the slot is still needed
        self._good_until = 0.0  # on this machine's clock, and never later than in the database
        self._lost = asyncio.Event()
        self._why = ""
        self._held: HeldSlot | None = None

    @asynccontextmanager
    async def open_storage(
        self, limits: TimeLimits | None = None, *, metrics: Metrics = NO_METRICS
    ) -> AsyncIterator[Storage]:
        """Open the storage once no other process works on it; give the slot back at the end of the block.

        Raises StorageUnusable, StorageUnavailable, and what asking Discord raises.
        """
        self._held = held = await self._queue.take(limits, metrics)
        storage = held.storage
        try:
            storage.leases.guard_writes(held.lease)
            self.share, self.live_processes, self._good_until = held.share, held.live, held.good_until
            self.state = SlotState.HOLDING
            self._tasks.supervise(self._keep, "renew the lease of the slot")
            yield storage
        finally:
            await storage.replies.close()
            await self._release(held)
            await storage.close()

    async def wait_to_identify(self, bucket: int, *, first: bool) -> None:  # noqa: ARG002 - others may be
        """Wait for the lease of a bucket, which ends by itself: all processes share it. Raises SlotLost."""
        assert self._held is not None
        leases, owner = self._held.storage.leases, self._held.lease.owner
        while self.is_held():
            try:
                if await leases.take(f"identify {bucket}", owner, self._times.identify):
                    return
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("A new session with Discord has to wait for the database (%s)", trouble)
            await sleep(self._clock, RETRY)
        raise SlotLost(self._why)

    def is_held(self) -> bool:
        """Tell whether this process still holds the slot, as far as this machine's clock can tell."""
        if self.state is SlotState.HOLDING and self._now() >= self._good_until:
            self._lose(_UNREACHABLE.format(seconds=self._times.last))
        return self.state is SlotState.HOLDING

    async def confirm(self) -> bool:
        """Tell whether this process still holds the slot, as the database sees it."""
        while self.is_held():
            assert self._held is not None
            try:
                if not await self._held.storage.leases.is_held(self._held.lease):
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

    async def _keep(self) -> None:
        """Renew the lease until it is lost."""
        assert self._held is not None
        leases, lease = self._held.storage.leases, self._held.lease
        while self.state is SlotState.HOLDING:
            left = self._good_until - self._now()
            await sleep(self._clock, min(self._times.renew, left))
            began = self._now()
            if not self.is_held():
                return
            patience = min(self._times.renew, self._good_until - began)
            try:
                live = await leases.renew(lease, self._times.last, patience=patience)
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("The lease of the slot is not renewed yet (%s)", trouble)
                continue
            if live:
                self._good_until = began + self._times.last
                self._beat(live)
            else:
                self._lose(_TAKEN)

    async def _release(self, held: HeldSlot) -> None:
        """Let another process take over at once; from here on this one writes nothing."""
        await self._tasks.close()
        if self.state is not SlotState.HOLDING:
            return
        self.state = SlotState.RELEASED
        try:
            await held.storage.leases.release(held.lease)
        except (StorageUnavailable, StorageFault) as trouble:
            log.warning("The slot is not given back (%s); it is free in %g s", trouble, self._times.last)

    def _lose(self, why: str) -> None:
        if self.state is SlotState.HOLDING:
            self.state, self._why = SlotState.LOST, why
            self._lost.set()

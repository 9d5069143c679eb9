"""How a process gets a slot in Postgres: at once where one is free, else as a standby that waits for one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from bot.clock import Clock, sleep
from bot.models.shards import Share, Topology
from bot.slots.wanted import WantedTopology
from bot.storage.leases import Lease
from bot.storage.storage import Storage, StorageFault, StorageUnavailable, TimeLimits
from bot.telemetry.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds."""

    renew: float = 2.0  # how often a lease is renewed
    last: float = 10.0  # how long it lasts without that
    ask: float = 1.0  # how often a process that waits asks whether a slot is free
    identify: float = 5.25  # between two new sessions with Discord, which counts 5 when they arrive there


@dataclass(frozen=True, slots=True)
class HeldSlot:
    """A slot that was taken, on the open storage."""

    storage: Storage
    lease: Lease
    share: Share
    live: int  # how many are held
    good_until: float  # on this machine's clock, and never later than in the database


class SlotQueue:
    """Takes a slot as soon as there is one."""

    def __init__(
        self,
        url: str,
        wanted: WantedTopology,
        clock: Clock,
        times: LeaseTimes,
        now: Callable[[], float],
    ) -> None:
        self._url = url
        self._wanted = wanted
        self._clock = clock
        self._times = times
        self._now = now
        self._owner = uuid4().hex
        self._told: str | None = None  # why this process waits, as the log says

    async def take(self, limits: TimeLimits | None, metrics: Metrics) -> HeldSlot:
        """Return a slot with the open storage, once there is one for this process.

        Raises StorageUnusable, StorageUnavailable, and what asking Discord raises.
        """
        storage = await Storage.open(self._url, limits, metrics)
        try:
            held = await self._attempt(storage)
            if held is not None:
                return held
            while held is None:
                await sleep(self._clock, self._times.ask)
                held = await self._attempt_again(storage)
            log.warning("A slot is free; this one takes over")
            await storage.close()
            # Which the other process may have upgraded.
            storage = await Storage.open(self._url, limits, metrics)
        except BaseException:
            await storage.close()
            raise
        return HeldSlot(storage, held.lease, held.share, held.live, held.good_until)

    async def _attempt_again(self, storage: Storage) -> HeldSlot | None:
        try:
            return await self._attempt(storage)
        except (StorageUnavailable, StorageFault) as trouble:
            log.warning("The database gives no answer to the standby (%s); it goes on asking", trouble)
            return None

    async def _attempt(self, storage: Storage) -> HeldSlot | None:
        """Take a slot; None where that has to be tried again, for which the log says the reason."""
        stored = await storage.topology.get()
        wanted = await self._wanted.resolve(stored)
        began = self._now()
        taken = await storage.topology.take_slot(wanted, self._owner, self._times.last)
        if taken is None:
            self._tell(stored, wanted)
            return None
        share = wanted.share_of(taken.number)
        first, last = share.served.start, share.served.stop - 1
        log.info(
            "This process has slot %d of %d, with shards %d to %d of %d",
            taken.number,
            wanted.processes,
            first,
            last,
            wanted.shard_count,
        )
        return HeldSlot(storage, taken.lease, share, taken.live, began + self._times.last)

    def _tell(self, stored: Topology | None, wanted: Topology) -> None:
        if stored in {None, wanted}:
            text = (
                "Another process runs this bot on the same database, or ended seconds ago; "
                "this one waits as a standby and takes over when the other one ends"
            )
            if wanted.processes > 1:
                text = (
                    f"All {wanted.processes} slots of this bot are taken, or were seconds ago; "
                    "this one waits as a standby and takes over when another process ends"
                )
        else:
            assert stored is not None
            text = (
                f"Other processes run this bot with {_words(stored)}, and this one is to run with "
                f"{_words(wanted)}; this one waits as a standby until all of them have ended"
            )
        if text != self._told:
            log.warning("%s", text)
            self._told = text


def _words(topology: Topology) -> str:
    return f"SHARD_COUNT={topology.shard_count} and PROCESSES={topology.processes}"

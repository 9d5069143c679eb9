"""A slot as a lock on a file beside an SQLite database: held as long as the process lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.clock import Clock, sleep
from bot.slots.slot import Slot, SlotState
from bot.slots.wanted import WantedTopology
from bot.storage.errors import why_unusable
from bot.storage.file_lock import FileLock, database_file
from bot.storage.storage import Storage, StorageUnusable, TimeLimits
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

IDENTIFY_EVERY = 5.0  # seconds [Discord]
ASK_EVERY = 1.0  # seconds between a standby's attempts to take the lock

_NO_LOCK = (
    "The file {name} beside the database cannot be locked: put the database on a local disk, "
    "in a folder that can be written."
)


class LockedSlot(Slot):
    """One process holds the lock, the others wait for it. A frozen process keeps it."""

    def __init__(self, url: str, wanted: WantedTopology, clock: Clock) -> None:
        super().__init__()
        self._url = url
        self._wanted = wanted
        self._clock = clock

    @asynccontextmanager
    async def open_storage(
        self, limits: TimeLimits | None = None, *, metrics: Metrics = NO_METRICS
    ) -> AsyncIterator[Storage]:
        """Open the storage once no other process works on it; give the slot back at the end of the block.

        Raises StorageUnusable, StorageUnavailable, and what asking Discord raises.
        """
        # First the lock: a standby must neither migrate the file of another process, nor hold one open that
        # is replaced by a backup meanwhile.
        lock = await self._lock()
        try:
            storage = await Storage.open(self._url, limits, metrics)
            try:
                stored = await storage.topology.get()
                topology = await self._wanted.resolve(stored)
                if topology != stored:
                    await storage.topology.adopt(topology)
                self.share = topology.share_of(0)
                self.state = SlotState.HOLDING
                yield storage
            finally:
                self.state = SlotState.RELEASED
                await storage.close()
        finally:
            if lock is not None:
                lock.release()

    async def wait_to_identify(self, bucket: int, *, first: bool) -> None:  # noqa: ARG002 - one at a time
        """Wait as long as Discord asks for between two sessions of this process, the only one."""
        if not first:
            await sleep(self._clock, IDENTIFY_EVERY)

    def is_held(self) -> bool:
        """Tell whether this process still holds the slot: a lock ends with its process only."""
        return self.state is SlotState.HOLDING

    async def confirm(self) -> bool:
        """Tell whether this process still holds the slot."""
        return self.is_held()

    async def wait_lost(self) -> str:
        """Wait for ever: a lock is never lost."""
        await asyncio.Event().wait()
        raise AssertionError("nobody sets this event")

    async def _lock(self) -> FileLock | None:
        """Return the lock as soon as no other process has it; None for a database in memory."""
        file = _file(self._url)
        if file is None:
            return None
        lock = FileLock(file)
        try:
            if lock.acquire():
                return lock
            log.warning(
                "Another process runs this bot on the same database; "
                "this one waits as a standby and takes over when the other one ends"
            )
            while not lock.acquire():
                await sleep(self._clock, ASK_EVERY)
        except OSError:
            raise StorageUnusable(_NO_LOCK.format(name=lock.path.name)) from None
        log.warning("The other process has ended; this one takes over")
        return lock


def _file(url: str) -> Path | None:
    try:
        return database_file(url)
    except ValueError as error:
        raise StorageUnusable(why_unusable(error, url)) from None

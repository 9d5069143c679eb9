"""Which kind of slot a database has."""

from __future__ import annotations

from bot.clock import Clock
from bot.slots.leased import LeasedSlot, LeaseTimes
from bot.slots.locked import LockedSlot
from bot.slots.slot import Slot


def slot_of(url: str, shard_count: int, clock: Clock, times: LeaseTimes) -> Slot:
    """Return the slot of the database at this address."""
    shard_ids = tuple(range(shard_count))
    if url.startswith("sqlite"):
        return LockedSlot(url, shard_ids, clock)
    return LeasedSlot(url, shard_ids, clock, times)

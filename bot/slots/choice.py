"""Which kind of slot a database has."""

from __future__ import annotations

from bot.clock import Clock
from bot.slots.leased import LeasedSlot
from bot.slots.locked import LockedSlot
from bot.slots.slot import Slot
from bot.slots.taking import LeaseTimes
from bot.slots.wanted import WantedTopology


def slot_of(url: str, wanted: WantedTopology, clock: Clock, times: LeaseTimes) -> Slot:
    """Return the slot of the database at this address."""
    if url.startswith("sqlite"):
        return LockedSlot(url, wanted, clock)
    return LeasedSlot(url, wanted, clock, times)

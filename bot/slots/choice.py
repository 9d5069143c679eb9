"""Which kind of slot a database has."""

from __future__ import annotations

from bot.clock import Clock
from bot.slots.leased import LeasedSlot, LeaseTimes
from bot.slots.locked import LockedSlot
from bot.slots.slot import Slot


def slot_of(url: str, clock: Clock, times: LeaseTimes) -> Slot:
    """Return the slot of the database at this address."""
    return LockedSlot(url, clock) if url.startswith("sqlite") else LeasedSlot(url, clock, times)

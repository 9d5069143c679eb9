"""What a slot is: the right to be the bot on this database, which one process at a time has."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from bot.storage.storage import Storage, TimeLimits
from bot.telemetry.metrics import NO_METRICS, Metrics


class SlotState(StrEnum):
    """How a process stands."""

    STANDBY = "standby"  # another process has the slot; this one waits and isn't connected to the gateway
    HOLDING = "holding"
    LOST = "lost"  # another process may have taken over: nothing may be sent or written any more
    RELEASED = "released"


class SlotLost(Exception):  # noqa: N818 - it names what happened
    """This process may not go on; the text is one plain sentence for the operator."""


class Slot(Protocol):
    """The right to work on the database."""

    @property
    def state(self) -> SlotState:
        """Return how this process stands."""
        ...

    @property
    def shard_ids(self) -> tuple[int, ...]:
        """Return which of Discord's shards this process serves; none unless it holds the slot."""
        ...

    def home_shard(self, guild_id: int | None) -> int:
        """Return the shard to which something belongs that reached this process; None is a direct message."""
        ...

    def open_storage(
        self, limits: TimeLimits | None = None, *, metrics: Metrics = NO_METRICS
    ) -> AbstractAsyncContextManager[Storage]:
        """Open the storage once no other process works on it; give the slot back at the end of the block.

        Raises StorageUnusable and StorageUnavailable.
        """
        ...

    def is_held(self) -> bool:
        """Tell whether this process still holds the slot, as far as this machine's clock can tell."""
        ...

    async def confirm(self) -> bool:
        """Tell whether this process still holds the slot, as the database sees it."""
        ...

    async def wait_lost(self) -> str:
        """Wait until the slot is lost, and return why in one sentence."""
        ...

"""What a slot is: the right to do a share of the work on this database, which one process at a time has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum

from bot.models.shards import ALL, Share
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


class Slot(ABC):
    """The right to work on the database, and which part of the work that is."""

    def __init__(self) -> None:
        self.state = SlotState.STANDBY
        self.share: Share = ALL  # what this process serves once it holds the slot
        self.live_processes = 1  # how many hold a slot, as of the last renewal of this one
        self._listeners: list[Callable[[], None]] = []

    @property
    def shard_ids(self) -> tuple[int, ...]:
        """Return which of Discord's shards this process serves; none unless it holds the slot."""
        return tuple(self.share.served) if self.state is SlotState.HOLDING else ()

    def serves(self, shard: int) -> bool:
        """Tell whether what belongs to a shard is this process' work; nothing unless it holds the slot."""
        return self.state is SlotState.HOLDING and self.share.serves(shard)

    def home_shard(self, guild_id: int | None) -> int:
        """Return the shard to which something belongs that reached this process; None is a direct message."""
        return self.share.home_shard(guild_id)

    def on_beat(self, listener: Callable[[], None]) -> None:
        """Have this called each time the slot was renewed, with `live_processes` fresh; it must not wait."""
        self._listeners.append(listener)

    def _beat(self, live_processes: int) -> None:
        self.live_processes = live_processes
        for listener in self._listeners:
            listener()

    @abstractmethod
    def open_storage(
        self, limits: TimeLimits | None = None, *, metrics: Metrics = NO_METRICS
    ) -> AbstractAsyncContextManager[Storage]:
        """Open the storage once no other process works on it; give the slot back at the end of the block.

        Raises StorageUnusable, StorageUnavailable, and what asking Discord raises.
        """

    @abstractmethod
    async def wait_to_identify(self, bucket: int, *, first: bool) -> None:
        """Wait until a new session may begin; Discord allows one per 5 seconds in each bucket of shards.

        Raises SlotLost where the slot isn't held any more.
        """

    @abstractmethod
    def is_held(self) -> bool:
        """Tell whether this process still holds the slot, as far as this machine's clock can tell."""

    @abstractmethod
    async def confirm(self) -> bool:
        """Tell whether this process still holds the slot, as the database sees it."""

    @abstractmethod
    async def wait_lost(self) -> str:
        """Wait until the slot is lost, and return why in one sentence."""

"""How a process wants the work to be split: as the operator says, as it was, or as Discord recommends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.models.shards import Topology


async def _one() -> int:
    return 1


@dataclass(frozen=True, slots=True)
class WantedTopology:
    """What the settings say, and how to find out what they leave open."""

    processes: int = 1
    shard_count: int | None = None  # None: as many as are stored, or else as Discord recommends
    recommended: Callable[[], Awaitable[int]] = _one  # asks Discord
    shards_min: int = 1  # below this Discord refuses to connect

    async def resolve(self, stored: Topology | None) -> Topology:
        """Return how the work is to be split, where it is split like this so far.

        A number that nobody chose stays as it is: another one would end every process. Raises what asking
        Discord raises.
        """
        if self.shard_count is not None:
            return Topology(self.shard_count, self.processes)
        count = stored.shard_count if stored else 0
        if count < self.shards_min:
            count = max(await self.recommended(), self.shards_min)
        return Topology(max(count, self.processes), self.processes)  # each process has one at least

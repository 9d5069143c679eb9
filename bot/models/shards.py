"""Which of Discord's shards an event arrives at, and which shards each of several processes serves."""

from __future__ import annotations

from dataclasses import dataclass


def shard_of(guild_id: int | None, shard_count: int) -> int:
    """Return the shard at which a server's events arrive; 0 for direct messages [Discord]."""
    return 0 if guild_id is None else (guild_id >> 22) % shard_count


@dataclass(frozen=True, slots=True)
class Share:
    """The shards that one process serves, of all that there are."""

    served: range
    shard_count: int

    @property
    def is_all(self) -> bool:
        """Tell whether the work is shared with nobody."""
        return len(self.served) == self.shard_count

    def serves(self, shard: int) -> bool:
        """Tell whether what belongs to a shard is this process' work.

        A number that no shard has is the work of the process with the first one: nothing is nobody's.
        """
        if 0 <= shard < self.shard_count:
            return shard in self.served
        return 0 in self.served

    def is_home_of(self, guild_id: int | None) -> bool:
        """Tell whether the events of a server arrive at this process; None stands for direct messages."""
        return shard_of(guild_id, self.shard_count) in self.served

    def home_shard(self, guild_id: int | None) -> int:
        """Return the shard to which something belongs that arrived at this process.

        That of its server; where another process serves that one, the lowest of this process.
        """
        shard = shard_of(guild_id, self.shard_count)
        return shard if shard in self.served else self.served.start


ALL = Share(range(1), 1)  # of a process that shares the work with nobody


def share_of(slot: int, processes: int, shard_count: int) -> Share:
    """Return the shards of one of the slots that share the work; each slot has at least one.

    Raises ValueError where there is no such slot, or fewer shards than processes.
    """
    if not 0 <= slot < processes <= shard_count:
        raise ValueError(f"no slot {slot} of {processes} for {shard_count} shards")
    served = range(slot * shard_count // processes, (slot + 1) * shard_count // processes)
    return Share(served, shard_count)


@dataclass(frozen=True, slots=True)
class Topology:
    """How the work is split: all processes on a database must agree on it."""

    shard_count: int
    processes: int = 1

    def share_of(self, slot: int) -> Share:
        """Return the shards of one slot."""
        return share_of(slot, self.processes, self.shard_count)

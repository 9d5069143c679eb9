"""Which of Discord's shards an event arrives at, and which shards each of several processes serves."""

from __future__ import annotations


def shard_of(guild_id: int | None, shard_count: int) -> int:
    """Return the shard at which a server's events arrive; 0 for direct messages [Discord]."""
    return 0 if guild_id is None else (guild_id >> 22) % shard_count


def share_of(slot: int, processes: int, shard_count: int) -> range:
    """Return the shards of one of the slots that share the work; each slot has at least one.

    Raises ValueError where there is no such slot, or fewer shards than processes.
    """
    if not 0 <= slot < processes <= shard_count:
        raise ValueError(f"no slot {slot} of {processes} for {shard_count} shards")
    return range(slot * shard_count // processes, (slot + 1) * shard_count // processes)


def home_shard(guild_id: int | None, shard_count: int, served: range) -> int:
    """Return the shard to which something belongs that arrived at a process with these shards.

    That of its server; where another process serves that one, the lowest of this process.
    """
    shard = shard_of(guild_id, shard_count)
    return shard if shard in served else served.start

"""How the work is split between processes: the shards, the slots, and which jobs belong to which shard.

A slot is a lease. It is taken in one transaction with a look at how the work is split, so that processes with
different settings never work at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models.shards import Topology
from bot.storage.database import Database, Rows
from bot.storage.jobs import unfinished_ids
from bot.storage.leases import Lease, LeaseStore
from bot.storage.schema import jobs, pending_replies, topology

TAKING = 0x736C6F74  # the key of the lock that lets one process at a time take a slot in Postgres
SLOT = "slot "  # what the names of their leases begin with; stored

_TIMESTAMP_BITS = 22  # of an id, below its time [Discord]


@dataclass(frozen=True, slots=True)
class TakenSlot:
    """A slot that a process has just taken, and how many are held by now."""

    number: int
    lease: Lease
    live: int


class TopologyStore:
    """One row, and a lease for each slot."""

    def __init__(self, database: Database, leases: LeaseStore) -> None:
        self._database = database
        self._leases = leases

    async def get(self) -> Topology | None:
        """Return how the work is split; None before anybody has said so."""
        return _found(await self._database.rows(sa.select(topology)))

    async def adopt(self, wanted: Topology) -> None:
        """Split the work like this. No other process may be at work."""

        async def adopt(connection: AsyncConnection) -> None:
            if _found((await connection.execute(sa.select(topology))).all()) != wanted:
                await _split(connection, wanted)

        await self._database.run(self._database.limits.background, adopt)

    async def take_slot(self, wanted: Topology, owner: str, seconds: float) -> TakenSlot | None:
        """Lease the first free slot for so long.

        None while there is none, and while any process works that splits the work differently.
        """
        live = await self._leases.held(SLOT)  # without a lock: whoever waits asks again and again
        if live and (len(live) >= wanted.processes or await self.get() != wanted):
            return None

        async def take(connection: AsyncConnection) -> TakenSlot | None:
            if self._database.dialect == "postgresql":
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(TAKING)))
            if _found((await connection.execute(sa.select(topology))).all()) != wanted:
                if await self._leases.end_all(connection, SLOT):
                    return None
                await _split(connection, wanted)
            held = await self._leases.held_within(connection, SLOT)
            for number in range(wanted.processes):
                name = f"{SLOT}{number}"
                if name in held:
                    continue
                lease = await self._leases.take_within(connection, name, owner, seconds)
                if lease is not None:
                    return TakenSlot(number, lease, len(held) + 1)
            return None

        return await self._database.run(self._database.limits.background, take, guarded=False)


def _found(rows: Rows) -> Topology | None:
    return Topology(rows[0].shard_count, rows[0].processes) if rows else None


async def _split(connection: AsyncConnection, wanted: Topology) -> None:
    """Write down how the work is split, and to which shard belongs what is still to be done."""
    await connection.execute(topology.delete())
    row = {"id": 0, "shard_count": wanted.shard_count, "processes": wanted.processes}
    await connection.execute(topology.insert().values(row))
    for table in (jobs, pending_replies):
        # As models.shards.shard_of does. Postgres shifts by small numbers only.
        shard = table.c.guild_id.op(">>")(sa.literal(_TIMESTAMP_BITS, sa.Integer)).op("%")(wanted.shard_count)
        await connection.execute(
            table.update()
            .where(table.c.id.in_(unfinished_ids()) if table is jobs else sa.true())
            .values(shard=sa.func.coalesce(shard, 0))
        )

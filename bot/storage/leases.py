"""Leases: what one process at a time may have, for as long as it says in time that it still lives.

All times are the database's own. Each holder has a number, the epoch, by which everything that an earlier
holder writes too late is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.database import Database
from bot.storage.errors import LeaseLost
from bot.storage.schema import leases

# Microseconds since 1970, as they are when it comes to it: Postgres' now() is the transaction's beginning.
_NOW = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)",
}
_MICROS = 1_000_000
# As text: the words are the same in both, and the dialect of Postgres takes 2 MiB of memory.
_ADD_IF_NEW = sa.text(
    "INSERT INTO leases (name, owner, epoch, until) VALUES (:name, '', 0, 0) ON CONFLICT DO NOTHING"
)

Now = Callable[[], sa.ColumnElement[int]]


@dataclass(frozen=True, slots=True)
class Lease:
    """What one process holds, and as which of its holders."""

    name: str
    owner: str
    epoch: int


class LeaseStore:
    """One row for each thing that can be leased."""

    def __init__(self, database: Database, now: Now | None = None) -> None:
        self._database = database
        self._limits = database.limits
        self._dialect = database.dialect
        self._now: Now = now or partial(sa.literal_column, _NOW[self._dialect], sa.BigInteger)

    async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
        """Lease this for so long, or return None while somebody else has it."""
        held = sa.select(leases.c.name).where(leases.c.name == name, leases.c.until > self._now())
        if await self._database.rows(held):  # without a lock: whoever waits asks again and again
            return None

        async def take_over(connection: AsyncConnection) -> Lease | None:
            await connection.execute(_ADD_IF_NEW, {"name": name})
            row = leases.c.name == name
            # Waits for every transaction of the earlier holder that has passed `_check`.
            query = sa.select(leases.c.epoch, (leases.c.until > self._now()).label("held")).where(row)
            found = (await connection.execute(query.with_for_update())).one()
            if found.held:
                return None
            lease = Lease(name, owner, found.epoch + 1)
            taken = {"owner": owner, "epoch": lease.epoch, "until": self._end(seconds)}
            await connection.execute(leases.update().where(row).values(taken))
            return lease

        return await self._database.run(self._limits.background, take_over, guarded=False)

    async def renew(self, lease: Lease, seconds: float, *, patience: float) -> bool:
        """Hold a lease for so long from now on; False if it has ended, also if nobody took it over.

        The database has `patience` seconds to answer.
        """
        return await self._update(lease, self._end(seconds), patience)

    async def release(self, lease: Lease) -> None:
        """Let somebody else have it at once."""
        await self._update(lease, sa.literal(0), self._limits.interactive)

    async def is_held(self, lease: Lease) -> bool:
        """Tell whether a lease has neither ended nor been taken over."""
        return bool(await self._database.rows(sa.select(leases.c.name).where(*self._held(lease))))

    def guard_writes(self, lease: Lease) -> None:
        """From now on refuse every transaction that writes while this lease is not held, with LeaseLost."""
        self._database.guard = partial(self._check, lease)

    async def _check(self, lease: Lease, connection: AsyncConnection) -> None:
        # A renewal does not wait for this lock, a take-over does: until the transaction ends there is none.
        query = sa.select(leases.c.name).where(*self._held(lease))
        if (await connection.execute(query.with_for_update(read=True, key_share=True))).first() is None:
            raise LeaseLost("LeaseLost")

    async def _update(self, lease: Lease, until: sa.ColumnElement[int], patience: float) -> bool:
        statement = leases.update().where(*self._held(lease)).values(until=until)
        return await self._database.write(patience, statement, guarded=False) == 1

    def _held(self, lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
        c = leases.c
        mine = (c.name == lease.name, c.owner == lease.owner, c.epoch == lease.epoch)
        return (*mine, c.until > self._now())

    def _end(self, seconds: float) -> sa.ColumnElement[int]:
        return self._now() + round(seconds * _MICROS)

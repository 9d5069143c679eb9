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


def database_now(dialect: str) -> sa.ColumnElement[int]:
    """Return the moment by the database's own clock, as microseconds since 1970."""
    return sa.literal_column(_NOW[dialect], sa.BigInteger)


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
        self._now: Now = now or partial(database_now, self._dialect)

    async def take(self, name: str, owner: str, seconds: float) -> Lease | None:
        """Lease this for so long, or return None while somebody else has it."""
        if name in await self.held(name):  # without a lock: whoever waits asks again and again
            return None

        async def take_over(connection: AsyncConnection) -> Lease | None:
            return await self.take_within(connection, name, owner, seconds)

        return await self._database.run(self._limits.background, take_over, guarded=False)

    async def take_within(
        self, connection: AsyncConnection, name: str, owner: str, seconds: float
    ) -> Lease | None:
        """Do what `take` does within a transaction that is not guarded."""
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

    async def held(self, prefix: str) -> set[str]:
        """Return the names of the leases that somebody holds, of those that begin like this."""
        return {row.name for row in await self._database.rows(self._held_names(prefix))}

    async def held_within(self, connection: AsyncConnection, prefix: str) -> set[str]:
        """Do what `held` does within a transaction."""
        return {row.name for row in await connection.execute(self._held_names(prefix))}

    async def end_all(self, connection: AsyncConnection, prefix: str) -> bool:
        """Let no earlier holder of these leases write any more; True while somebody holds one of them."""
        some = leases.c.name.startswith(prefix, autoescape=True)
        # Waits as `take_within` does, and in the same order.
        query = sa.select((leases.c.until > self._now()).label("held")).where(some).order_by(leases.c.name)
        if any(row.held for row in await connection.execute(query.with_for_update())):
            return True
        # A new value, also for who looked at this row while we had it.
        await connection.execute(leases.update().where(some).values(epoch=leases.c.epoch + 1))
        return False

    async def renew(self, lease: Lease, seconds: float, *, patience: float) -> int:
        """Hold a lease for so long from now on, and return how many of its kind are held.

        0 if it has ended, also if nobody took it over. The database has `patience` seconds to answer.
        """

        async def renew(connection: AsyncConnection) -> int:
            statement = leases.update().where(*self._held(lease)).values(until=self._end(seconds))
            if (await connection.execute(statement)).rowcount != 1:
                return 0
            return len(await self.held_within(connection, lease.name.rstrip("0123456789")))

        return await self._database.run(patience, renew, guarded=False)

    async def release(self, lease: Lease) -> None:
        """Let somebody else have it at once."""
        statement = leases.update().where(*self._held(lease)).values(until=0)
        await self._database.write(self._limits.interactive, statement, guarded=False)

    async def is_held(self, lease: Lease) -> bool:
        """Tell whether a lease has neither ended nor been taken over."""
        return bool(await self._database.rows(sa.select(leases.c.name).where(*self._held(lease))))

    def guard_writes(self, lease: Lease) -> None:
        """From now on refuse every transaction that writes while this lease is not held, with LeaseLost."""
        self._database.guard_writes(partial(self._check, lease))

    async def _check(self, lease: Lease, connection: AsyncConnection) -> None:
        # A renewal does not wait for this lock, a take-over does: until the transaction ends there is none.
        query = sa.select(leases.c.name).where(*self._held(lease))
        if (await connection.execute(query.with_for_update(read=True, key_share=True))).first() is None:
            raise LeaseLost("LeaseLost")

    def _held_names(self, prefix: str) -> sa.Select[tuple[str]]:
        begins = leases.c.name.startswith(prefix, autoescape=True)
        return sa.select(leases.c.name).where(begins, leases.c.until > self._now())

    def _held(self, lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
        c = leases.c
        mine = (c.name == lease.name, c.owner == lease.owner, c.epoch == lease.epoch)
        return (*mine, c.until > self._now())

    def _end(self, seconds: float) -> sa.ColumnElement[int]:
        return self._now() + round(seconds * _MICROS)

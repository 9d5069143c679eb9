"""The database: what its stores ask it for, within the time that their callers have."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.storage.engine import lasting, open_engine, reserve
from bot.storage.transactions import Guard, Transactions
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

T = TypeVar("T")
Rows = Sequence[sa.Row[Any]]


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that a caller waits for the database, by who else waits for the caller."""

    interactive: float = 1.0  # somebody whose answer is due within 3 s [Discord]
    new_job: float = 5.0  # somebody who looks at an acknowledged command meanwhile
    background: float = 10.0  # nobody; a connection and a statement may take 5 s each
    startup: float = 60.0  # the start of the process, which reads everything that is unfinished
    close: float = 0.5  # a stop: so long for what is being written, and again for closing connections


class Database:
    """One database, opened once per process.

    What takes longer than its limit is broken off behind the caller's back, and the caller gets
    StorageUnavailable. What may be on disk all the same must be written so that it does no harm.
    """

    def __init__(
        self, engine: AsyncEngine, limits: TimeLimits, reserved: AsyncEngine, metrics: Metrics = NO_METRICS
    ) -> None:
        self.limits = limits
        self.dialect = engine.dialect.name
        self._engine = engine
        self._transactions = Transactions(engine, reserved, metrics)

    @classmethod
    async def open(
        cls, url: str, limits: TimeLimits, metrics: Metrics = NO_METRICS, *, upgrade: bool = True
    ) -> Database:
        """Open the database and bring its tables up to date, or leave a server's as they are.

        Raises StorageUnusable with a sentence if it is damaged or newer than this bot, and StorageUnavailable
        with one if its server is out of reach.
        """
        engine = await open_engine(url, upgrade=upgrade)
        return cls(engine, limits, reserve(engine, url), metrics)

    async def close(self) -> None:
        """Let what is being written arrive, and close every connection."""
        await self._transactions.close(self.limits.close)

    def guard_writes(self, guard: Guard) -> None:
        """Let this come first in every transaction that writes: it may refuse it."""
        self._transactions.guard = guard

    @property
    def sqlite_file(self) -> str | None:
        """Return the path of SQLite's file; None for Postgres, and for a database in memory."""
        url = self._engine.url
        in_file = url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}
        return url.database if in_file else None

    @asynccontextmanager
    async def lasting_connection(self) -> AsyncIterator[Any]:
        """Give the driver's own connection to Postgres, which is cut at the end of the block.

        Raises what the driver does.
        """
        async with lasting(self._engine).connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            try:
                yield driver
            finally:
                driver.terminate()  # a server that has vanished answers no good-bye
                await connection.invalidate()

    async def alone(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something outside of any transaction while no task of this process writes."""
        return await self._transactions.alone(work)

    @asynccontextmanager
    async def transaction(self, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction, commit it at the end, or roll it back if something is raised.

        It has no limit of its own: for statements that are known beforehand use `write` and `read`.
        """
        async with self._transactions.begin(reads=reads, seconds=self.limits.background) as connection:
            yield connection

    async def write(self, seconds: float, *statements: sa.Executable, guarded: bool = True) -> int:
        """Execute statements in one transaction and return how many rows the first one changed."""

        async def execute(connection: AsyncConnection) -> int:
            results = [await connection.execute(statement) for statement in statements]
            return int(results[0].rowcount)

        return await self._transactions.within(seconds, execute, guarded=guarded)

    async def run(
        self, seconds: float, work: Callable[[AsyncConnection], Awaitable[T]], *, guarded: bool = True
    ) -> T:
        """Do something in one transaction that writes, and return what it returns.

        What is not guarded decides who may write: it has a connection of its own, and whoever keeps it
        waiting for a lock of Postgres loses theirs.
        """
        return await self._transactions.within(seconds, work, guarded=guarded)

    async def look(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Read several things that belong together, and return what is made of them; an answer is due."""
        return await self._transactions.within(self.limits.interactive, work, reads=True)

    async def replace(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Write the row of this key in place of an older one."""
        older = table.delete().where(*(table.c[name] == value for name, value in key.items()))
        await self.write(self.limits.interactive, older, table.insert().values(**key, **values))

    async def rows(self, query: sa.Select[Any], seconds: float | None = None) -> Rows:
        """Return the rows of a query; without seconds somebody's answer is due."""

        async def execute(connection: AsyncConnection) -> Rows:
            result: sa.CursorResult[Any] = await connection.execute(query)
            return result.all()

        return await self._transactions.within(seconds or self.limits.interactive, execute, reads=True)

    async def read(
        self, query: sa.Select[Any], from_row: Callable[[Any], T], seconds: float | None = None
    ) -> list[T]:
        """Return what the rows of a query mean; one that makes no sense is logged and left out."""
        return self.parse(query, await self.rows(query, seconds), from_row)

    def parse(self, query: sa.Select[Any], rows: Rows, from_row: Callable[[Any], T]) -> list[T]:
        """Return what rows of a query mean; one that makes no sense is logged and left out."""
        found = []
        for row in rows:
            try:
                found.append(from_row(row))
            except Exception as error:
                # Only its place is logged: the row holds prompts and tokens.
                table = query.get_final_froms()[0]
                log.error("A row of %s (%s) cannot be read: %s", table, row[0], type(error).__name__)
        return found

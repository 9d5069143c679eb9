"""The database: transactions that nobody waits for longer than they can."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.storage.blockers import BLOCKED_SECONDS, end_blockers
from bot.storage.engine import PATIENCE, READS, lasting, open_engine, reserve
from bot.storage.errors import LeaseLost, StorageConflict, StorageFault, StorageUnavailable, translate
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

T = TypeVar("T")
Rows = Sequence[sa.Row[Any]]
Guard = Callable[[AsyncConnection], Awaitable[None]]


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
        self._metrics = metrics
        self.dialect = engine.dialect.name
        self.guard: Guard | None = None  # comes first in every transaction that writes, and may refuse it
        self._engine = engine
        self._reserved = reserved  # for what must not wait for a burst of everything else
        # SQLite has one writer at a time; among our own tasks first come is first served.
        self._turn = asyncio.Lock() if self.dialect == "sqlite" else None
        self._drivers: weakref.WeakSet[Any] = weakref.WeakSet()  # connections that can be cut at once
        for pool in {engine, reserved}:
            sa.event.listen(pool.sync_engine, "connect", self._connected)
        self._under_way: set[asyncio.Task[Any]] = set()

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
        seconds = self.limits.close
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)
        for task in self._under_way:
            task.cancel()
        # A server that has vanished answers no good-bye: then the driver cuts the connection.
        goodbyes = [driver.close(timeout=seconds) for driver in self._drivers if not driver.is_closed()]
        await asyncio.gather(*goodbyes, return_exceptions=True)
        closing = {
            asyncio.create_task(pool.dispose(close=not goodbyes), name="close the database")
            for pool in {self._engine, self._reserved}
        }
        await asyncio.wait(closing, timeout=seconds)

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
        async with self._turn or contextlib.nullcontext():
            return await work()

    @asynccontextmanager
    async def transaction(self, *, reads: bool = False) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction, commit it at the end, or roll it back if something is raised.

        It has no limit of its own: for statements that are known beforehand use `write` and `read`.
        """
        async with self._begin([], reads=reads, seconds=self.limits.background) as connection:
            yield connection

    async def write(self, seconds: float, *statements: sa.Executable, guarded: bool = True) -> int:
        """Execute statements in one transaction and return how many rows the first one changed."""

        async def execute(connection: AsyncConnection) -> int:
            results = [await connection.execute(statement) for statement in statements]
            return int(results[0].rowcount)

        return await self._within(seconds, execute, guarded=guarded)

    async def run(
        self, seconds: float, work: Callable[[AsyncConnection], Awaitable[T]], *, guarded: bool = True
    ) -> T:
        """Do something in one transaction that writes, and return what it returns.

        What is not guarded decides who may write: it has a connection of its own, and whoever keeps it
        waiting for a lock of Postgres loses theirs.
        """
        return await self._within(seconds, work, guarded=guarded)

    async def look(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Read several things that belong together, and return what is made of them; an answer is due."""
        return await self._within(self.limits.interactive, work, reads=True)

    async def replace(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        """Write the row of this key in place of an older one."""
        older = table.delete().where(*(table.c[name] == value for name, value in key.items()))
        await self.write(self.limits.interactive, older, table.insert().values(**key, **values))

    async def rows(self, query: sa.Select[Any], seconds: float | None = None) -> Rows:
        """Return the rows of a query; without seconds somebody's answer is due."""

        async def execute(connection: AsyncConnection) -> Rows:
            result: sa.CursorResult[Any] = await connection.execute(query)
            return result.all()

        return await self._within(seconds or self.limits.interactive, execute, reads=True)

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

    @asynccontextmanager
    async def _begin(
        self, drivers: list[Any], *, reads: bool, seconds: float, guarded: bool = True
    ) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction; one that writes waits its turn. Add the driver's connection to the list."""
        turn = None if reads else self._turn
        engine = self._engine if guarded else self._reserved
        try:
            async with turn or contextlib.nullcontext(), engine.connect() as connection:
                drivers.append((await connection.get_raw_connection()).driver_connection)
                await connection.execution_options(**{READS: reads, PATIENCE: int(seconds * 1000)})
                async with connection.begin():
                    if guarded and not reads and self.guard is not None:
                        await self.guard(connection)
                    yield connection
        except LeaseLost:
            raise
        except Exception as error:
            raise translate(error) from None

    async def _within(
        self,
        seconds: float,
        work: Callable[[AsyncConnection], Awaitable[T]],
        *,
        reads: bool = False,
        guarded: bool = True,
    ) -> T:
        """Do something in a transaction, and wait so long for it.

        Neither a thread that waits for SQLite nor a server that has vanished can be interrupted: the work is
        a task of its own, which ends when it can, while the caller goes on.
        """
        drivers: list[Any] = []

        async def transaction() -> T:
            async with self._begin(drivers, reads=reads, seconds=seconds, guarded=guarded) as connection:
                return await work(connection)

        task = asyncio.create_task(transaction(), name="transaction")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        # Who is cancelled here leaves the work alone: at a stop it may still arrive.
        with _counted(self._metrics, "read" if reads else "write"):
            if not guarded and self.dialect == "postgresql":
                await self._unblock(task, drivers, min(seconds, BLOCKED_SECONDS))
                seconds -= BLOCKED_SECONDS
            await asyncio.wait({task}, timeout=max(0.0, seconds))
            if task.done():
                return task.result()
            if drivers and drivers[0] in self._drivers:
                # A server that has vanished answers no polite good-bye; the task ends with the connection.
                drivers[0].terminate()
            else:
                task.cancel()  # rolls back, unless the commit has begun
            raise StorageUnavailable("TimeoutError")

    async def _unblock(self, task: asyncio.Task[Any], drivers: list[Any], seconds: float) -> None:
        """Wait so long for a transaction; then end whoever keeps it from going on."""
        await asyncio.wait({task}, timeout=seconds)
        if drivers and not task.done():
            ending = asyncio.create_task(
                end_blockers(self._engine, drivers[0].get_server_pid()), name="end blockers"
            )
            self._under_way.add(ending)
            ending.add_done_callback(self._ended)

    def _connected(self, connection: Any, _record: Any) -> None:
        driver = connection.driver_connection
        if hasattr(driver, "terminate"):  # asyncpg's; a thread of SQLite cannot be cut
            self._drivers.add(driver)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # of what was broken off nobody else asks


@contextlib.contextmanager
def _counted(metrics: Metrics, operation: str) -> Iterator[None]:
    """Count what happens in this block as a transaction, and its failure."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        yield
    except (StorageConflict, LeaseLost):
        raise  # the answer to a question: whether a row is there, or whether this process may write
    except (StorageUnavailable, StorageFault) as error:
        metrics.storage_failed("fault" if isinstance(error, StorageFault) else "unavailable")
        raise
    finally:
        metrics.storage_used(operation, loop.time() - began)

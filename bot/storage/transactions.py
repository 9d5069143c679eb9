"""Transactions: each is waited for only so long, and what takes longer ends behind its caller's back."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.storage.blockers import BLOCKED_SECONDS, end_blockers
from bot.storage.engine import PATIENCE, READS
from bot.storage.errors import LeaseLost, StorageConflict, StorageFault, StorageUnavailable, translate
from bot.telemetry.metrics import Metrics

T = TypeVar("T")
Guard = Callable[[AsyncConnection], Awaitable[None]]


class Transactions:
    """The transactions of one database, and the connections that they run on."""

    def __init__(self, engine: AsyncEngine, reserved: AsyncEngine, metrics: Metrics) -> None:
        self._metrics = metrics
        self._dialect = engine.dialect.name
        self.guard: Guard | None = None  # comes first in every transaction that writes, and may refuse it
        self._engine = engine
        self._reserved = reserved  # for what must not wait for a burst of everything else
        # SQLite has one writer at a time; among our own tasks first come is first served.
        self._turn = asyncio.Lock() if self._dialect == "sqlite" else None
        self._drivers: weakref.WeakSet[Any] = weakref.WeakSet()  # connections that can be cut at once
        for pool in {engine, reserved}:
            sa.event.listen(pool.sync_engine, "connect", self._connected)
        self._under_way: set[asyncio.Task[Any]] = set()

    async def close(self, seconds: float) -> None:
        """Let what is being written arrive, and close every connection; wait so long for each of the two."""
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

    async def alone(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something outside of any transaction while no task of this process writes."""
        async with self._turn or contextlib.nullcontext():
            return await work()

    @asynccontextmanager
    async def begin(
        self, *, reads: bool, seconds: float, guarded: bool = True, drivers: list[Any] | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction; one that writes waits its turn. Add the driver's connection to the list."""
        drivers = [] if drivers is None else drivers
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

    async def within(
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
            async with self.begin(
                reads=reads, seconds=seconds, guarded=guarded, drivers=drivers
            ) as connection:
                return await work(connection)

        task = asyncio.create_task(transaction(), name="transaction")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        # Who is cancelled here leaves the work alone: at a stop it may still arrive.
        with _counted(self._metrics, "read" if reads else "write"):
            if not guarded and self._dialect == "postgresql":
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

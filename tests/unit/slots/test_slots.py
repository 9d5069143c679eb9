"""Slots: who works on a database, who waits, and how a process hears that it may not go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.clock import SystemClock, monotonic
from bot.models.states import State
from bot.slots.choice import slot_of
from bot.slots.leased import LeasedSlot
from bot.slots.locked import LockedSlot
from bot.slots.slot import Slot, SlotState
from bot.slots.taking import LeaseTimes
from bot.slots.wanted import WantedTopology
from bot.storage.file_lock import FileLock
from bot.storage.storage import LeaseLost, Storage, StorageUnusable
from fakes import postgres
from fakes.clock import until
from fakes.postgres import Proxy
from tests.unit.storage.samples import new_job

# The server's clock is a real one: what a test waits for comes within seconds.
TIMES = LeaseTimes(renew=0.1, last=2.0, ask=0.05)
LONG = LeaseTimes(renew=0.05, last=60.0, ask=0.05)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def database() -> str:
    return await postgres.shared().create()


def new_slot(url: str, times: LeaseTimes = LONG) -> Slot:
    return slot_of(url, WantedTopology(shard_count=2), SystemClock(), times)


async def becomes(slot: Slot, state: SlotState) -> None:
    await until(lambda: slot.state is state, f"the slot is {state}")


class Waiting:
    """A process that opens the storage as soon as it may."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.leave = asyncio.Event()
        self.storage: Storage | None = None
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with self.slot.open_storage() as self.storage:
            await self.leave.wait()

    async def end(self) -> None:
        self.leave.set()
        await self.task


async def test_the_first_works_the_second_waits_and_takes_over(url: str) -> None:
    first, second = Waiting(new_slot(url)), None
    await becomes(first.slot, SlotState.HOLDING)
    assert first.slot.shard_ids == (0, 1)
    second = Waiting(new_slot(url))
    await asyncio.sleep(0.3)  # some of its questions
    assert second.slot.state is SlotState.STANDBY
    assert second.slot.shard_ids == ()
    assert not second.slot.is_held()

    await first.end()

    assert first.slot.state is SlotState.RELEASED
    assert not await first.slot.confirm()
    await becomes(second.slot, SlotState.HOLDING)
    assert await second.slot.confirm()
    assert second.storage
    assert await second.storage.jobs.add(new_job(1))
    await second.end()


async def test_of_many_that_start_at_once_one_works(empty_url: str) -> None:
    processes = [Waiting(new_slot(empty_url)) for _ in range(5)]
    for left in range(5, 0, -1):
        await until(lambda: any(process.slot.is_held() for process in processes), "one that works")
        await asyncio.sleep(0.1)
        working = [process for process in processes if process.slot.is_held()]
        assert len(working) == 1
        assert len(processes) == left
        await working[0].end()
        processes.remove(working[0])


async def test_a_lease_is_renewed_for_as_long_as_it_takes(database: str) -> None:
    url = postgres.shared().url(database)
    first = Waiting(new_slot(url, TIMES))
    await becomes(first.slot, SlotState.HOLDING)
    second = Waiting(new_slot(url, TIMES))
    await asyncio.sleep(1.5 * TIMES.last)
    assert (first.slot.state, second.slot.state) == (SlotState.HOLDING, SlotState.STANDBY)
    for process in (first, second):
        await becomes(process.slot, SlotState.HOLDING)
        await process.end()


async def test_a_process_that_was_stopped_for_longer_than_its_lease_knows_it_at_once(
    database: str, stack: AsyncExitStack
) -> None:
    stopped = 0.0
    url = postgres.shared().url(database)
    slot = LeasedSlot(url, WantedTopology(), SystemClock(), LONG, now=lambda: monotonic() + stopped)
    storage = await stack.enter_async_context(slot.open_storage())
    assert await storage.jobs.add(new_job(1))
    assert await slot.confirm()
    stopped = LONG.last
    assert not slot.is_held()
    assert slot.state is SlotState.LOST
    assert not await slot.confirm()
    assert "This process didn't reach the database for 60 seconds" in await slot.wait_lost()


async def test_whoever_was_taken_over_hears_of_it_and_writes_nothing(
    database: str, stack: AsyncExitStack
) -> None:
    slot = new_slot(postgres.shared().url(database), LeaseTimes(renew=30, last=60))
    storage = await stack.enter_async_context(slot.open_storage())
    await storage.jobs.add(new_job(1))
    await postgres.shared().execute("UPDATE leases SET owner = 'b', epoch = epoch + 1", database=database)
    assert slot.is_held()  # as far as it knows

    with pytest.raises(LeaseLost):
        await storage.jobs.add(new_job(2))
    assert not await slot.confirm()

    assert slot.state is SlotState.LOST
    assert "Another process has taken over" in await slot.wait_lost()
    assert [job.state for job in await storage.jobs.unfinished()] == [State.SUBMITTING]


async def test_renewing_notices_that_another_process_has_taken_over(
    database: str, stack: AsyncExitStack
) -> None:
    slot = new_slot(postgres.shared().url(database))
    await stack.enter_async_context(slot.open_storage())
    await postgres.shared().execute("UPDATE leases SET owner = 'b', epoch = epoch + 1", database=database)
    async with asyncio.timeout(5):
        assert "Another process has taken over" in await slot.wait_lost()


async def test_a_database_that_is_away_for_too_long_costs_the_slot_and_a_short_while_does_not(
    database: str, stack: AsyncExitStack
) -> None:
    proxy = await stack.enter_async_context(Proxy(postgres.shared().port))
    slot = new_slot(postgres.shared().url(database, port=proxy.port), LeaseTimes(renew=0.2, last=2.0))
    await stack.enter_async_context(slot.open_storage())
    proxy.freeze()
    confirming = asyncio.create_task(slot.confirm())
    await asyncio.sleep(0.5)
    proxy.cut()
    proxy.thaw()
    assert await confirming

    proxy.freeze()
    assert not await slot.confirm()
    async with asyncio.timeout(5):
        assert "This process didn't reach the database for 2 seconds" in await slot.wait_lost()


async def test_a_burst_that_keeps_every_connection_busy_does_not_cost_the_slot(
    database: str, stack: AsyncExitStack
) -> None:
    slot = new_slot(postgres.shared().url(database), LeaseTimes(renew=0.1, last=2.0))
    storage = await stack.enter_async_context(slot.open_storage())
    for _ in range(15):  # five that are kept open, and ten more in a burst
        await stack.enter_async_context(storage.database.transaction(reads=True))
    await asyncio.sleep(2.5)
    assert slot.state is SlotState.HOLDING


async def test_a_standby_goes_on_asking_while_the_database_is_away(
    database: str, stack: AsyncExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    first = Waiting(new_slot(postgres.shared().url(database)))
    await becomes(first.slot, SlotState.HOLDING)
    proxy = await stack.enter_async_context(Proxy(postgres.shared().port))
    second = Waiting(new_slot(postgres.shared().url(database, port=proxy.port)))
    await until(lambda: "waits as a standby" in caplog.text, "a standby")
    proxy.freeze()
    await until(lambda: "gives no answer to the standby" in caplog.text, "a line about the trouble", 15)
    proxy.cut()
    proxy.thaw()
    await first.end()
    await becomes(second.slot, SlotState.HOLDING)
    await second.end()


async def test_a_standby_that_is_older_than_the_database_by_then_does_not_take_over(database: str) -> None:
    url = postgres.shared().url(database)
    first = Waiting(new_slot(url))
    await becomes(first.slot, SlotState.HOLDING)
    second = Waiting(new_slot(url))
    await asyncio.sleep(0.3)
    await postgres.shared().execute("UPDATE alembic_version SET version_num = '9999'", database=database)
    await first.end()
    with pytest.raises(StorageUnusable, match="newer version of this bot"):
        await second.task


async def test_a_standby_does_not_touch_the_file_of_the_one_that_works(tmp_path: Path) -> None:
    file = tmp_path / "data" / "vidu.db"
    file.parent.mkdir()
    other = FileLock(file)
    assert other.acquire()
    process = Waiting(LockedSlot(f"sqlite+aiosqlite:///{file}", WantedTopology(), SystemClock()))
    await asyncio.sleep(0.2)
    assert process.slot.state is SlotState.STANDBY
    assert not file.exists()
    other.release()
    await becomes(process.slot, SlotState.HOLDING)
    assert file.exists()
    await process.end()
    assert other.acquire()
    other.release()


async def test_the_same_file_by_another_name_is_the_same_database(
    tmp_path: Path, stack: AsyncExitStack
) -> None:
    await stack.enter_async_context(new_slot(f"sqlite+aiosqlite:///{tmp_path}/vidu.db").open_storage())
    (tmp_path / "link.db").symlink_to(tmp_path / "vidu.db")
    second = Waiting(new_slot(f"sqlite+aiosqlite:///{tmp_path}/link.db"))
    await asyncio.sleep(0.2)
    assert second.slot.state is SlotState.STANDBY
    second.task.cancel()
    await asyncio.wait({second.task})


async def test_databases_in_memory_are_nobody_elses(stack: AsyncExitStack) -> None:
    slots = [new_slot("sqlite+aiosqlite://"), new_slot("sqlite+aiosqlite:///:memory:")]
    for slot in slots:
        await stack.enter_async_context(slot.open_storage())
        assert await slot.confirm()


async def test_a_lock_that_cannot_be_taken_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "vidu.db.lock").mkdir()
    slot = new_slot(f"sqlite+aiosqlite:///{tmp_path}/vidu.db")
    with pytest.raises(StorageUnusable, match=r"vidu\.db\.lock beside the database cannot be locked"):
        async with slot.open_storage():
            pass


async def test_an_address_that_makes_no_sense_is_one_sentence() -> None:
    with pytest.raises(StorageUnusable, match="check DATABASE_URL"):
        async with new_slot("sqlite+aiosqlite:nonsense").open_storage():
            pass

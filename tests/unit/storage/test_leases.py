"""Leases: one holder at a time, and nothing that an earlier holder writes too late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
import sqlalchemy as sa

from bot.models.drafts import Draft
from bot.models.states import State
from bot.storage.leases import Lease, LeaseStore
from bot.storage.storage import LeaseLost, Storage, TimeLimits
from tests.unit.storage.samples import START, new_job

NAME = "slot 0"


class DatabaseClock:
    """The clock of the database, which a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> sa.ColumnElement[int]:
        return sa.literal(round(self.seconds * 1_000_000), sa.BigInteger)


@pytest.fixture
def database_clock() -> DatabaseClock:
    return DatabaseClock()


@pytest.fixture
async def second(storage: Storage, url: str) -> AsyncIterator[Storage]:
    """Open the same database as another process would, after the first has laid out its tables."""
    opened = await Storage.open(url, TimeLimits(interactive=20))
    yield opened
    await opened.close()


@pytest.fixture
def leases(storage: Storage, database_clock: DatabaseClock) -> LeaseStore:
    return LeaseStore(storage.database, database_clock.now)


@pytest.fixture
def others(second: Storage, database_clock: DatabaseClock) -> LeaseStore:
    return LeaseStore(second.database, database_clock.now)


async def taken(leases: LeaseStore, owner: str, seconds: float = 10) -> Lease:
    lease = await leases.take(NAME, owner, seconds)
    assert lease is not None
    return lease


async def test_one_process_has_it_until_it_ends_and_then_another(
    leases: LeaseStore, others: LeaseStore, database_clock: DatabaseClock
) -> None:
    first = await taken(leases, "a")
    database_clock.seconds += 9.9
    assert await others.take(NAME, "b", 10) is None
    assert await leases.is_held(first)
    database_clock.seconds += 0.1
    assert not await leases.is_held(first)
    after = await taken(others, "b")
    assert after.epoch == first.epoch + 1
    assert await leases.take(NAME, "a", 10) is None


async def test_whoever_renews_in_time_keeps_it(
    leases: LeaseStore, others: LeaseStore, database_clock: DatabaseClock
) -> None:
    lease = await taken(leases, "a")
    for _ in range(10):
        database_clock.seconds += 9
        assert await leases.renew(lease, 10, patience=5) == 1
        assert await others.take(NAME, "b", 10) is None


async def test_whoever_renews_hears_how_many_others_hold_one(
    leases: LeaseStore, others: LeaseStore, database_clock: DatabaseClock
) -> None:
    lease = await taken(leases, "a")
    assert await others.take("slot 11", "b", 5)
    assert await others.take("another thing 1", "b", 10)
    assert await leases.renew(lease, 10, patience=5) == 2
    database_clock.seconds += 6
    assert await leases.renew(lease, 10, patience=5) == 1


async def test_what_has_ended_cannot_be_renewed_even_if_nobody_took_it(
    leases: LeaseStore, database_clock: DatabaseClock
) -> None:
    lease = await taken(leases, "a")
    database_clock.seconds += 10
    assert not await leases.renew(lease, 10, patience=5)
    assert not await leases.is_held(lease)


async def test_what_was_taken_over_cannot_be_renewed_or_given_back(
    leases: LeaseStore, others: LeaseStore, database_clock: DatabaseClock
) -> None:
    first = await taken(leases, "a")
    database_clock.seconds += 10
    second = await taken(others, "b")
    assert not await leases.renew(first, 10, patience=5)
    await leases.release(first)
    assert await others.is_held(second)


async def test_what_is_given_back_is_free_at_once(leases: LeaseStore, others: LeaseStore) -> None:
    first = await taken(leases, "a")
    await leases.release(first)
    assert not await leases.is_held(first)
    assert (await taken(others, "b")).epoch == first.epoch + 1


async def test_different_things_are_leased_by_themselves(leases: LeaseStore) -> None:
    assert await leases.take("slot 0", "a", 10)
    assert await leases.take("slot 1", "b", 10)


async def test_of_many_that_ask_at_once_one_gets_it(leases: LeaseStore, others: LeaseStore) -> None:
    asked = await asyncio.gather(
        *(store.take(NAME, f"owner {number}", 10) for number in range(10) for store in (leases, others))
    )
    assert sum(lease is not None for lease in asked) == 1


async def test_who_holds_the_lease_writes_and_whoever_lost_it_changes_nothing(
    storage: Storage,
    second: Storage,
    leases: LeaseStore,
    others: LeaseStore,
    database_clock: DatabaseClock,
) -> None:
    lease = await taken(leases, "a")
    leases.guard_writes(lease)
    assert await storage.jobs.add(new_job(1))
    database_clock.seconds += 10
    others.guard_writes(await taken(others, "b"))

    with pytest.raises(LeaseLost):
        await storage.jobs.save(replace(new_job(1), revision=1, state=State.QUEUED), previous=0)
    with pytest.raises(LeaseLost):
        await storage.jobs.add(new_job(2))
    with pytest.raises(LeaseLost):
        await storage.drafts.save(Draft(5, 1, "a fox"), START)
    with pytest.raises(LeaseLost):
        await storage.notes.save("a name", "a value")
    assert await second.jobs.unfinished() == [replace(new_job(1), first=True)]
    assert await second.notes.get("a name") is None

    await second.jobs.save(replace(new_job(1), revision=1, state=State.QUEUED), previous=0)


async def test_whoever_gave_the_lease_back_writes_nothing_either(
    storage: Storage, leases: LeaseStore
) -> None:
    lease = await taken(leases, "a")
    leases.guard_writes(lease)
    await leases.release(lease)
    with pytest.raises(LeaseLost):
        await storage.jobs.add(new_job(1))
    assert await storage.jobs.unfinished() == []


async def test_a_take_over_waits_for_what_the_earlier_holder_is_writing(
    storage: Storage, leases: LeaseStore, others: LeaseStore, database_clock: DatabaseClock
) -> None:
    lease = await taken(leases, "a")
    leases.guard_writes(lease)
    async with storage.database.transaction():
        if storage.database.dialect == "postgresql":  # SQLite has one writer at a time
            assert await leases.renew(lease, 10, patience=1)  # which waits for no other transaction
        database_clock.seconds += 10
        taking = asyncio.create_task(others.take(NAME, "b", 10))
        await asyncio.wait({taking}, timeout=0.3)
        assert not taking.done()
    assert await taking is not None


async def test_a_session_that_stopped_within_a_transaction_holds_no_take_over_up(
    url: str, storage: Storage
) -> None:
    """As a frozen process does; the server's limit doesn't hold between two messages of a statement."""
    if storage.database.dialect == "sqlite":
        pytest.skip("SQLite's lock ends with its process")
    assert await storage.leases.take(NAME, "a", 0.1)
    frozen = await asyncpg.connect(url.replace("+asyncpg", ""))
    await frozen.execute("BEGIN")
    await frozen.execute("UPDATE leases SET owner = 'a'")
    await asyncio.sleep(0.2)  # of real time, as the server's clock is a real one
    began = time.monotonic()
    assert await storage.leases.take(NAME, "b", 10)
    assert time.monotonic() - began < 4
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await frozen.execute("COMMIT")


async def test_a_lease_lasts_by_the_clock_of_the_database(storage: Storage, second: Storage) -> None:
    began = time.monotonic()
    lease = await storage.leases.take(NAME, "a", 0.6)
    assert lease is not None
    assert await second.leases.take(NAME, "b", 10) is None
    for _ in range(200):
        await asyncio.sleep(0.05)  # of real time, as the server's clock is a real one
        if await second.leases.take(NAME, "b", 10):
            break
    assert time.monotonic() - began >= 0.6
    assert not await storage.leases.is_held(lease)

"""How the work is split is agreed upon in the database, and what is unfinished moves with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.models.jobs import CardLocation, Job, PendingReply
from bot.models.shards import Topology, shard_of, share_of
from bot.models.states import State
from bot.storage.leases import LeaseStore
from bot.storage.schema import jobs
from bot.storage.storage import LeaseLost, Storage, TimeLimits
from bot.storage.topology import TakenSlot, TopologyStore
from tests.unit.storage.samples import new_job
from tests.unit.storage.test_leases import DatabaseClock

ONE, TWO = Topology(1), Topology(4, 2)
GUILDS = (None, 10 << 22, 11 << 22, 12 << 22, 1_100_000_000_000_000_001)


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
def slots(storage: Storage, database_clock: DatabaseClock) -> TopologyStore:
    return _store(storage, database_clock)


@pytest.fixture
def others(second: Storage, database_clock: DatabaseClock) -> TopologyStore:
    return _store(second, database_clock)


def _store(storage: Storage, clock: DatabaseClock) -> TopologyStore:
    storage.leases = LeaseStore(storage.database, clock.now)
    return TopologyStore(storage.database, storage.leases)


async def taken(slots: TopologyStore, topology: Topology, owner: str = "a") -> TakenSlot:
    found = await slots.take_slot(topology, owner, 10)
    assert found is not None
    return found


def in_server(job_id: int, guild_id: int | None, shard: int = 0) -> Job:
    job = new_job(job_id)
    return replace(job, shard=shard, location=replace(job.location, guild_id=guild_id))


async def test_each_slot_is_taken_once_and_the_next_process_waits(
    slots: TopologyStore, others: TopologyStore, database_clock: DatabaseClock
) -> None:
    assert await slots.get() is None
    first, second = await taken(slots, TWO), await taken(others, TWO, "b")
    assert [(slot.number, slot.lease.name, slot.live) for slot in (first, second)] == [
        (0, "slot 0", 1),
        (1, "slot 1", 2),
    ]
    assert await slots.get() == TWO
    assert await slots.take_slot(TWO, "c", 10) is None

    database_clock.seconds += 5
    assert await others_renew(others, second) == 2
    database_clock.seconds += 5

    after = await taken(slots, TWO, "c")
    assert (after.number, after.lease.epoch, after.live) == (0, 2, 2)


async def others_renew(others: TopologyStore, slot: TakenSlot) -> int:
    return await others._leases.renew(slot.lease, 10, patience=5)


async def test_of_many_that_start_at_once_each_slot_gets_one(
    slots: TopologyStore, others: TopologyStore
) -> None:
    topology = Topology(16, 3)
    asked = await asyncio.gather(
        *(store.take_slot(topology, f"owner {n}", 10) for n in range(4) for store in (slots, others))
    )
    assert sorted(slot.number for slot in asked if slot) == [0, 1, 2]


async def test_who_splits_the_work_differently_waits_until_all_others_are_gone(
    storage: Storage, slots: TopologyStore, others: TopologyStore, database_clock: DatabaseClock
) -> None:
    first = await taken(slots, TWO)
    last = await taken(slots, TWO, "b")
    for other in (ONE, Topology(4, 3), Topology(5, 2)):
        assert await others.take_slot(other, "c", 10) is None
    await storage.leases.release(first.lease)
    assert await others.take_slot(ONE, "c", 10) is None
    assert await others.get() == TWO
    database_clock.seconds += 10

    new = await taken(others, ONE, "c")

    assert (new.number, new.live) == (0, 1)
    assert await slots.get() == ONE
    assert not await storage.leases.is_held(last.lease)
    assert await slots.take_slot(TWO, "a", 10) is None


async def test_what_is_unfinished_moves_to_the_shards_of_the_new_split(
    storage: Storage, slots: TopologyStore
) -> None:
    await taken(slots, ONE)
    for number, guild_id in enumerate(GUILDS, start=1):
        assert await storage.jobs.add(in_server(number, guild_id, shard=7))
        await storage.replies.add(PendingReply(100 + number, 1, CardLocation(3, guild_id), shard=7))
    done = replace(in_server(50, GUILDS[2], shard=7), state=State.DELIVERED, acknowledged=True)
    assert await storage.jobs.add(done)
    for topology in (Topology(3), Topology(16)):
        await slots.adopt(topology)
        expected = [shard_of(guild_id, topology.shard_count) for guild_id in GUILDS]
        assert [job.shard for job in await storage.jobs.unfinished()] == expected
        assert [reply.shard for reply in await storage.replies.all()] == expected
    assert await storage.jobs.get(50) == done
    revisions = await storage.database.rows(sa.select(jobs.c.revision).distinct())
    assert [row.revision for row in revisions] == [0]


async def test_each_process_loads_what_belongs_to_its_shards_and_nothing_is_nobodys(
    storage: Storage,
) -> None:
    shards = [*range(5), 99, -1]
    for number, shard in enumerate(shards, start=1):
        assert await storage.jobs.add(in_server(number, 10, shard=shard))
        await storage.replies.add(PendingReply(100 + number, 1, CardLocation(3, 10), shard=shard))
    loaded = []
    for slot in range(3):
        share = share_of(slot, 3, 5)
        found = [job.shard for job in await storage.jobs.unfinished(share)]
        assert found == [shard for shard in shards if share.serves(shard)]
        assert [reply.shard for reply in await storage.replies.all(share)] == found
        loaded += found
    assert sorted(loaded) == sorted(shards)
    assert len(await storage.jobs.unfinished()) == len(shards)


async def test_an_earlier_holder_writes_nothing_after_the_work_was_split_anew(
    storage: Storage, slots: TopologyStore, others: TopologyStore, database_clock: DatabaseClock
) -> None:
    """It may have looked at its lease just before that ended, and writes the shard of before."""
    await taken(slots, TWO)
    second = await taken(slots, TWO, "b")
    storage.leases.guard_writes(second.lease)
    async with storage.database.transaction():  # it has passed the check
        database_clock.seconds += 10
        taking = asyncio.create_task(others.take_slot(ONE, "c", 10))
        await asyncio.wait({taking}, timeout=0.3)
        assert not taking.done()  # it waits for what is being written
    assert await taking is not None
    with pytest.raises(LeaseLost):
        await storage.jobs.add(new_job(1))

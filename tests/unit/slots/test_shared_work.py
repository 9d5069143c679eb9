"""Several processes share the work: slots, shards, and the turns in which sessions begin."""

from __future__ import annotations

import asyncio

import pytest

from bot.clock import SystemClock, monotonic
from bot.slots.choice import slot_of
from bot.slots.slot import Slot, SlotLost, SlotState
from bot.slots.taking import LeaseTimes
from bot.slots.wanted import WantedTopology
from fakes import postgres
from fakes.clock import until
from tests.unit.slots.test_slots import LONG, Waiting, becomes


@pytest.fixture
async def database() -> str:
    return await postgres.shared().create()


def of_two(url: str, times: LeaseTimes = LONG) -> Slot:
    return slot_of(url, WantedTopology(2, 4), SystemClock(), times)


async def test_two_processes_share_the_shards_and_a_third_takes_what_becomes_free(database: str) -> None:
    url = postgres.shared().url(database)
    first = Waiting(of_two(url))
    await becomes(first.slot, SlotState.HOLDING)
    beats: list[int] = []
    first.slot.on_beat(lambda: beats.append(first.slot.live_processes))
    second = Waiting(of_two(url))
    await becomes(second.slot, SlotState.HOLDING)
    assert (first.slot.shard_ids, second.slot.shard_ids) == ((0, 1), (2, 3))
    assert [slot.serves(1) for slot in (first.slot, second.slot)] == [True, False]
    assert second.slot.live_processes == 2
    await until(lambda: 2 in beats, "the first hears of the second")
    third = Waiting(of_two(url))
    await asyncio.sleep(0.3)
    assert third.slot.state is SlotState.STANDBY

    await first.end()

    await becomes(third.slot, SlotState.HOLDING)
    assert third.slot.shard_ids == (0, 1)
    assert not first.slot.serves(1)
    for process in (second, third):
        await process.end()


async def test_who_is_to_share_the_work_differently_waits_for_the_end_of_all(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres.shared().url(database)
    running = [Waiting(of_two(url)) for _ in range(2)]
    for process in running:
        await becomes(process.slot, SlotState.HOLDING)
    other = Waiting(slot_of(url, WantedTopology(3, 6), SystemClock(), LONG))
    words = (
        "Other processes run this bot with SHARD_COUNT=4 and PROCESSES=2, and this one is to run with "
        "SHARD_COUNT=6 and PROCESSES=3; this one waits as a standby until all of them have ended"
    )
    await until(lambda: words in caplog.text, "a line that says why")
    await running[0].end()
    await asyncio.sleep(0.3)
    assert other.slot.state is SlotState.STANDBY
    await running[1].end()
    await becomes(other.slot, SlotState.HOLDING)
    assert other.slot.shard_ids == (0, 1)
    await other.end()


async def test_a_number_of_shards_that_nobody_chose_is_asked_for_once(url: str) -> None:
    asked: list[int] = []

    async def recommended() -> int:
        asked.append(1)
        return 3 + len(asked)

    for shards_min, expected in ((1, 4), (1, 4), (5, 5), (1, 5)):
        wanted = WantedTopology(1, None, recommended, shards_min)
        process = Waiting(slot_of(url, wanted, SystemClock(), LONG))
        await becomes(process.slot, SlotState.HOLDING)
        assert process.slot.share.shard_count == expected
        await process.end()
    assert len(asked) == 2


async def test_every_process_has_a_shard_also_where_discord_recommends_fewer(database: str) -> None:
    slot = slot_of(postgres.shared().url(database), WantedTopology(3), SystemClock(), LONG)
    process = Waiting(slot)
    await becomes(slot, SlotState.HOLDING)
    assert (slot.shard_ids, slot.share.shard_count) == ((0,), 3)
    await process.end()


async def test_sessions_of_all_processes_begin_one_after_the_other_in_each_bucket(database: str) -> None:
    url, times = postgres.shared().url(database), LeaseTimes(identify=0.5)
    processes = [Waiting(of_two(url, times)) for _ in range(2)]
    for process in processes:
        await becomes(process.slot, SlotState.HOLDING)
    began = monotonic()

    async def identify(process: Waiting, bucket: int) -> float:
        await process.slot.wait_to_identify(bucket, first=True)
        return monotonic() - began

    ready = await asyncio.gather(*(identify(process, bucket) for process in processes for bucket in (0, 1)))

    for bucket in (0, 1):
        early, late = sorted(ready[bucket::2])
        assert late - early >= 0.4
    for process in processes:
        await process.end()


async def test_a_session_does_not_begin_without_the_slot(database: str) -> None:
    process = Waiting(of_two(postgres.shared().url(database)))
    await becomes(process.slot, SlotState.HOLDING)
    await process.end()
    with pytest.raises(SlotLost):
        await process.slot.wait_to_identify(0, first=True)

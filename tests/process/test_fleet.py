"""Several processes share the work on one Postgres: who does what, and what becomes of it when one goes."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path

import pytest

from fakes.clock import until
from fakes.fleet import LEASE, TURN, Fleet, open_fleet

TAKEN_OVER = 3  # exit code
DOUBLE_MAX = 3.0  # seconds that two processes may be connected for one shard
LOADED = 5.0  # seconds that a busy machine may take longer


def assert_orderly(fleet: Fleet, speed: float = 20.0) -> None:
    """Fail where sessions began too fast, were doubled for long, or something was logged as a traceback."""
    identifies = fleet.wire.discord.gateway.identifies
    for earlier, later in itertools.pairwise(identifies):
        # Half of it: what was sent in time may arrive late on a busy machine, and the next one not.
        assert (later.at - earlier.at) * speed >= TURN / 2, identifies
    for begun in identifies:
        if begun.older is not None and begun.doubled_until is not None:
            assert begun.doubled_until - begun.at < DOUBLE_MAX
    for name, member in fleet.members.items():
        assert "Traceback" not in member.logs, (name, member.logs)


async def test_two_processes_share_the_servers_and_each_job_is_asked_about_by_one(tmp_path: Path) -> None:
    async with open_fleet(tmp_path, 2, servers=4, SHARD_COUNT="4") as fleet:
        await fleet.start("a", "b")
        await fleet.connected()
        assert sorted(fleet.identified()) == [(shard, 4) for shard in range(4)]
        assert set(fleet.identified().values()) == {1}

        for seed in range(1, 9):
            await fleet.ask(seed, server=seed % 4)
        await fleet.posted(*range(1, 9))

        fleet.assert_once(*range(1, 9))
        assert fleet.wire.discord.rest.registrations == 1
        for seed in range(1, 9):
            owner = fleet.holder(seed % 4 // 2)
            assert fleet.asked_by(seed) <= {owner}
        for member in fleet.members.values():
            assert await member.stop() == 0
        assert_orderly(fleet)


async def test_without_a_number_each_process_gets_at_least_one_shard_and_more_where_discord_says_so(
    tmp_path: Path,
) -> None:
    async with open_fleet(tmp_path, 2) as fleet:
        await fleet.start("a", "b")
        await fleet.connected()
        assert set(fleet.identified()) == {(0, 2), (1, 2)}

        # Discord requires more connections: the number grows, once both have noticed.
        gateway, rest = fleet.wire.discord.gateway, fleet.wire.discord.rest
        gateway.shards_required, rest.recommended_shards = 4, 4
        gateway.servers = 4
        for shard in (0, 1):
            line = gateway.shards[shard].line
            assert line is not None
            await line.socket.close(code=4011)
        await until(lambda: set(fleet.identified()) >= {(shard, 4) for shard in range(4)}, fleet.logs, 40)
        await fleet.ask(1, server=3)
        await fleet.posted(1)
        assert_orderly(fleet)


@pytest.mark.long
async def test_the_slot_of_a_process_that_was_killed_goes_to_a_standby_with_all_its_jobs(
    tmp_path: Path,
) -> None:
    async with open_fleet(tmp_path, 2) as fleet:
        await fleet.start("a", "b")
        await fleet.start("c")
        await fleet.connected()
        assert fleet.waits("c")
        killed, other = fleet.holder(1), fleet.holder(0)
        for seed in range(1, 7):
            await fleet.ask(seed, server=seed % 2)
        await until(lambda: len(fleet.wire.cloud.requests) == 6, fleet.logs, 20)
        began = time.monotonic()
        await fleet.members[killed].kill()
        before = fleet.identified()[1, 2]

        await until(lambda: fleet.identified()[1, 2] > before, fleet.logs, LEASE + 3 + LOADED)

        assert time.monotonic() - began < LEASE + 3 + LOADED
        assert fleet.holder(1) == "c"
        await fleet.posted(*range(1, 7))
        fleet.assert_once(*range(1, 7))
        assert fleet.members[other].running
        for seed in range(1, 7):
            owners = {other} if seed % 2 == 0 else {killed, "c"}
            assert fleet.asked_by(seed) <= owners
        assert_orderly(fleet)


@pytest.mark.long
async def test_a_frozen_process_loses_its_slot_and_ends_when_it_wakes_up(tmp_path: Path) -> None:
    async with open_fleet(tmp_path, 2) as fleet:
        await fleet.start("a", "b", "c")
        await fleet.connected()
        frozen = fleet.holder(1)
        standby = next(name for name in fleet.members if fleet.waits(name))
        await fleet.ask(1, server=1)
        await until(lambda: fleet.wire.submissions(1) == 1, fleet.logs, 20)
        fleet.members[frozen].freeze()
        await until(lambda: fleet.slot_of(standby) == 1, fleet.logs, LEASE + 3 + LOADED)
        await fleet.posted(1)
        thawed = time.monotonic()
        fleet.members[frozen].thaw()

        assert await fleet.members[frozen].ended(10) == TAKEN_OVER

        assert time.monotonic() - thawed < DOUBLE_MAX + LOADED
        await fleet.ask(2, server=1)
        await fleet.posted(1, 2)
        fleet.assert_once(1, 2)
        assert all("Traceback" not in member.logs for member in fleet.members.values())


@pytest.mark.long
async def test_rolling_updates_under_load_lose_nothing_and_post_everything_soon(tmp_path: Path) -> None:
    async with open_fleet(tmp_path, 2, speed=10.0) as fleet:
        await fleet.start("a0", "a1")
        await fleet.connected()
        asked: list[int] = []
        stop = asyncio.Event()

        async def load() -> None:
            while not stop.is_set():
                server = len(asked) % 2
                if fleet.wire.discord.gateway.serves(server):  # else Discord itself tells the member
                    slash = await fleet.ask(len(asked) + 1, server=server)
                    asked.append(slash.event["data"]["options"][2]["value"])
                await asyncio.sleep(0.15)

        loading = asyncio.create_task(load())
        for update in range(1, 4):
            for slot in (0, 1):
                old, new = fleet.holder(slot), f"b{update}{slot}"
                await fleet.start(new)
                assert fleet.waits(new)
                began = time.monotonic()
                assert await fleet.members[old].stop() == 0
                await until(lambda: fleet.slot_of(new) is not None, fleet.logs, 15)  # noqa: B023
                await fleet.connected()
                assert time.monotonic() - began < 3 + TURN / 10 + LOADED
        stop.set()
        await loading

        await until(
            lambda: all(row.settled for row in fleet.wire.jobs()) and not fleet.wire.pending_replies(),
            fleet.logs,
            60,
        )
        rows = fleet.wire.jobs()
        assert len(rows) > 20
        # What a stop cut off on its way may never have reached GMI Cloud: then its member was told so.
        unpaid = {row.seed for row in rows if not fleet.wire.submissions(row.seed)}
        assert {row.state for row in rows if row.seed in unpaid} <= {"unconfirmed"}
        assert {row.state for row in rows if row.seed not in unpaid} == {"delivered"}
        fleet.assert_once(*(row.seed for row in rows if row.seed not in unpaid))
        assert_orderly(fleet, 10.0)


@pytest.mark.long
async def test_six_processes_started_at_once_on_an_empty_database_all_come_up(tmp_path: Path) -> None:
    async with open_fleet(tmp_path, 3, servers=3) as fleet:
        names = [f"p{number}" for number in range(6)]
        await fleet.start(*names)
        await fleet.connected()
        slots = [fleet.slot_of(name) for name in names]
        assert sorted(slot for slot in slots if slot is not None) == [0, 1, 2]
        assert sum(fleet.waits(name) for name in names) == 3
        for seed in range(1, 4):
            await fleet.ask(seed, server=seed - 1)
        await fleet.posted(*range(1, 4))
        fleet.assert_once(*range(1, 4))
        assert fleet.wire.discord.rest.registrations == 1
        assert_orderly(fleet)


@pytest.mark.long
async def test_another_number_of_processes_waits_for_the_end_of_the_old_ones_and_takes_their_jobs(
    tmp_path: Path,
) -> None:
    async with open_fleet(tmp_path, 2) as fleet:
        await fleet.start("a", "b")
        await fleet.connected()
        for seed in range(1, 5):
            await fleet.ask(seed, server=seed % 2)
        await until(lambda: len(fleet.wire.cloud.requests) == 4, fleet.logs, 20)
        await fleet.add("one", PROCESSES="1", SHARD_COUNT="3").start()
        one = fleet.members["one"]
        await until(
            lambda: (
                "run this bot with SHARD_COUNT=2 and PROCESSES=2, and this one is to run with "
                "SHARD_COUNT=3 and PROCESSES=1" in one.log
            ),
            fleet.logs,
            20,
        )
        await asyncio.gather(*(fleet.members[name].stop() for name in "ab"))
        await fleet.posted(*range(1, 5))
        fleet.assert_once(*range(1, 5))
        assert_orderly(fleet)

"""Two processes on one database: one works, the other waits, and nothing is lost, paid or posted twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fakes import postgres
from fakes.clock import until
from fakes.postgres import Proxy
from fakes.process import BotProcess, Wire, open_wire

WAITS = "this one waits as a standby"
TAKES_OVER = "this one takes over"
LEASE = 10.0  # seconds
TAKEN_OVER = 3  # exit code


def last_words(wire: Wire) -> str:
    """Return what the last line of the log says."""
    return str(json.loads(wire.process.log.splitlines()[-1])["event"])


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, which the processes share."""
    return f"sqlite+aiosqlite:///{tmp_path}/vidu.db" if request.param == "sqlite" else await on_postgres()


async def on_postgres() -> str:
    server = postgres.shared()
    return server.url(await server.create())


@asynccontextmanager
async def standby(wire: Wire) -> AsyncIterator[BotProcess]:
    """Start a second process beside the one that works."""
    second = wire.process.twin("second")
    try:
        await second.start()
        await until(lambda: WAITS in second.log, lambda: second.log, 30)
        yield second
    finally:
        if second.running:
            await second.kill()


async def taken_over(wire: Wire, second: BotProcess, began: float) -> float:
    """Wait until the second process is connected to Discord, and return how long that took."""
    before = wire.discord.gateway.identified
    await until(
        lambda: TAKES_OVER in second.log and wire.discord.gateway.identified > before,
        lambda: second.log,
        30,
    )
    return time.monotonic() - began


async def posted(wire: Wire, seed: int, process: BotProcess) -> None:
    await until(lambda: f"vidu-{seed}.mp4" in wire.discord.posted_videos(), lambda: process.log, 60)


def assert_once(wire: Wire, seed: int) -> None:
    assert wire.submissions(seed) == 1
    assert wire.discord.posted_videos()[f"vidu-{seed}.mp4"] == 1


def uploads_of_videos(wire: Wire) -> int:
    return sum(call.has_video for call in wire.discord.calls)


@pytest.mark.long
async def test_a_second_process_waits_and_takes_over_when_the_first_is_killed(
    tmp_path: Path, url: str
) -> None:
    async with open_wire(tmp_path, DATABASE_URL=url) as wire, standby(wire) as second:
        await asyncio.sleep(1)  # some of its questions, in which it must not be let in
        assert wire.discord.gateway.identified == 1
        await wire.ask(1)
        await until(lambda: wire.submissions(1) == 1, lambda: wire.process.log, 20)
        began = time.monotonic()
        await wire.process.kill()
        assert await taken_over(wire, second, began) < LEASE + 3
        await posted(wire, 1, second)
        assert_once(wire, 1)
        assert "Traceback" not in second.log


async def test_a_second_process_takes_over_at_once_when_the_first_is_told_to_stop(
    tmp_path: Path, url: str
) -> None:
    async with open_wire(tmp_path, DATABASE_URL=url) as wire, standby(wire) as second:
        await wire.ask(1)
        await until(lambda: wire.submissions(1) == 1, lambda: wire.process.log, 20)
        began = time.monotonic()
        taking = asyncio.create_task(taken_over(wire, second, began))
        assert await wire.process.stop() == 0
        assert await taking < 3
        await posted(wire, 1, second)
        assert_once(wire, 1)
        assert "Traceback" not in wire.process.log + second.log


async def test_a_standby_that_is_told_to_stop_ends_at_once(tmp_path: Path, url: str) -> None:
    async with open_wire(tmp_path, DATABASE_URL=url) as wire, standby(wire) as second:
        began = time.monotonic()
        assert await second.stop() == 0
        assert time.monotonic() - began < 3
        assert "Traceback" not in second.log
        await wire.ask(1)
        await posted(wire, 1, wire.process)


@pytest.mark.long
@pytest.mark.parametrize(
    "place", ["before GmiCloud.submit", "after JobStore.add", "before Delivery.deliver", "after download"]
)
async def test_a_process_that_was_frozen_and_wakes_up_does_nothing_any_more(
    tmp_path: Path, place: str
) -> None:
    async with open_wire(tmp_path, DATABASE_URL=await on_postgres()) as wire, standby(wire) as second:
        wire.process.freeze_at(place)
        await wire.ask(1)
        await until(lambda: wire.process.frozen, lambda: wire.process.log, 30)
        began = time.monotonic()
        assert await taken_over(wire, second, began) < LEASE + 3
        sent = wire.submissions(1)
        if sent:
            await posted(wire, 1, second)
        uploads = uploads_of_videos(wire)
        wire.process.thaw()

        assert await wire.process.ended(10) == TAKEN_OVER

        assert "Traceback" not in wire.process.log
        assert last_words(wire).startswith(("Another process has", "This process didn't reach"))
        assert wire.submissions(1) == sent
        assert uploads_of_videos(wire) == uploads
        if sent:
            assert_once(wire, 1)
        assert second.running
        await wire.ask(2)  # on the session of the process that lives
        await posted(wire, 2, second)
        assert "Traceback" not in second.log


@pytest.mark.long
async def test_a_database_that_is_away_for_longer_than_the_lease_costs_a_restart_and_nothing_else(
    tmp_path: Path,
) -> None:
    server = postgres.shared()
    async with Proxy(server.port) as proxy:
        url = server.url(await server.create(), port=proxy.port)
        async with open_wire(tmp_path, DATABASE_URL=url) as wire:
            await wire.ask(1)
            await until(lambda: wire.submissions(1) == 1, lambda: wire.process.log, 20)
            proxy.freeze()
            assert await wire.process.ended(LEASE + 10) == TAKEN_OVER
            assert last_words(wire).startswith("This process didn't reach the database for 10 seconds")
            assert "Traceback" not in wire.process.log
            proxy.cut()
            proxy.thaw()
            await wire.start()
            await posted(wire, 1, wire.process)
            assert_once(wire, 1)


@pytest.mark.long
async def test_without_a_standby_a_frozen_process_ends_as_well(tmp_path: Path) -> None:
    async with open_wire(tmp_path, DATABASE_URL=await on_postgres()) as wire:
        wire.process.freeze()
        await asyncio.sleep(LEASE + 0.5)  # the database's clock is a real one
        wire.process.thaw()
        assert await wire.process.ended(10) == TAKEN_OVER
        await wire.start()
        await wire.ask(1)
        await posted(wire, 1, wire.process)

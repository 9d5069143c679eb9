"""The bot on Postgres: as members see it, and when the server is away, slow, or says no."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.models.drafts import Draft
from bot.models.states import State
from bot.storage.inspection import Age, age_of
from bot.storage.storage import Storage, StorageUnavailable, StorageUnusable
from fakes import clock as wire_clock
from fakes import postgres
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.postgres import Proxy
from fakes.process import Wire, open_wire
from fakes.world import World
from tests.acceptance.member import ask, card_text, until
from tests.unit.storage.samples import START, new_job

READY = "✅ Your video is ready"
TOLERANCE = 0.7  # seconds for a loaded machine


@pytest.fixture
async def database() -> str:
    """Return the name of an empty database."""
    return await postgres.shared().create()


@pytest.fixture
def database_url(database: str) -> str:
    return postgres.shared().url(database)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    async with Proxy(postgres.shared().port) as running:
        yield running


@pytest.fixture
async def far(database: str, proxy: Proxy) -> AsyncIterator[Storage]:
    """Return a storage behind the proxy, with one job."""
    opened = await Storage.open(postgres.shared().url(database, port=proxy.port))
    await opened.jobs.add(new_job(1))
    yield opened
    await opened.close()


async def test_a_command_becomes_a_video_and_outlives_a_restart(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, seed=5)
    await world.env.advance_time(2)
    await world.restart()
    await until(world, asked, READY)
    assert cloud.paid == 1
    listed = await world.member.slash(world.channel, "videos")
    assert READY in card_text(listed)
    assert await world.bot.storage.jobs.unfinished() == []


async def test_quotas_are_kept_over_a_restart(world: World) -> None:
    await world.moderator.slash(world.channel, "quota set", videos=1)
    await until(world, await ask(world), READY)
    await world.restart()
    standing = world.bot.quota_service.status(world.guild.id, world.member.id, [])
    assert (standing.left_videos, standing.used_videos) == (0, 1)


async def test_a_reason_that_is_longer_than_its_column_freezes_nothing(world: World, cloud: GmiCloud) -> None:
    await world.moderator.slash(world.channel, "quota set", videos=99)
    word = "Task" + "T" + "i" * 117
    cloud.outcome(script.failed(word))
    first = await ask(world, seed=1)
    second = await ask(world, seed=2)
    await until(world, first, "❌ Couldn't make the video")
    await until(world, second, READY)
    assert await world.bot.storage.jobs.unfinished() == []


async def test_connections_that_were_cut_while_idle_refuse_nobody(
    world: World, cloud: GmiCloud, database: str
) -> None:
    await until(world, await ask(world), READY)
    assert await postgres.shared().cut_connections(database) > 0
    await until(world, await ask(world), READY)
    assert cloud.paid == 2


async def test_several_processes_lay_out_an_empty_database_at_once(database_url: str) -> None:
    opened = await asyncio.gather(*(Storage.open(database_url) for _ in range(4)))
    assert await opened[0].jobs.add(new_job(1))
    assert [await storage.jobs.get(1) for storage in opened] == [new_job(1)] * 4
    for storage in opened:
        await storage.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (
            "postgresql+asyncpg://stranger:secret-word@127.0.0.1:{port}/postgres",
            "refused the user or its password",
        ),
        ("postgresql+asyncpg://vidu:secret-word@127.0.0.1:{port}/nowhere", "no database of that name"),
        ("postgresql+asyncpg://vidu:secret-word@127.0.0.1:none/postgres", "check DATABASE_URL"),
        ("postgresql+asyncpg://vidu:secret-word@127.0.0.1:{port}/postgres?colour=red", "check DATABASE_URL"),
    ],
)
async def test_a_server_that_cannot_be_used_is_named_in_a_sentence(url: str, sentence: str) -> None:
    server = postgres.shared()
    await server.execute("DROP ROLE IF EXISTS stranger")
    await server.execute("CREATE ROLE stranger LOGIN PASSWORD 'another-word'")
    with pytest.raises(StorageUnusable, match=sentence) as caught:
        await Storage.open(url.format(port=server.port))
    assert "secret-word" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
async def test_a_server_that_cannot_be_reached_may_come_back(host: str) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be reached: check the host") as caught:
        await Storage.open(f"postgresql+asyncpg://vidu:secret-word@{host}/postgres")
    assert "secret-word" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.long
async def test_a_start_waits_for_a_server_that_cannot_be_reached(
    tmp_path: Path, database: str, proxy: Proxy
) -> None:
    proxy.freeze()
    url = postgres.shared().url(database, port=proxy.port)
    async with open_wire(tmp_path, start=False, DATABASE_URL=url) as wire:
        await wire.process.start()
        await wire_clock.until(
            lambda: "The database server cannot be reached" in wire.process.log, lambda: wire.process.log, 30
        )
        proxy.cut()
        proxy.thaw()
        await wire_clock.until(lambda: wire.discord.gateway.connected, lambda: wire.process.log, 30)
        await wire.ask(1)
        await _posted(wire, 1)
        assert "Traceback" not in wire.process.log


async def test_a_newer_database_is_refused(database: str, database_url: str) -> None:
    await (await Storage.open(database_url)).close()
    await postgres.shared().execute("UPDATE alembic_version SET version_num = '9999'", database=database)
    with pytest.raises(StorageUnusable, match="newer version of this bot"):
        await Storage.open(database_url)


async def test_the_age_of_a_database_is_told_without_laying_it_out(database: str, database_url: str) -> None:
    async def version(number: str) -> None:
        change = "UPDATE alembic_version SET version_num = $1"
        await postgres.shared().execute(change, number, database=database)

    assert await age_of(database_url) is Age.ABSENT
    assert await age_of(database_url) is Age.ABSENT
    await (await Storage.open(database_url)).close()
    assert await age_of(database_url) is Age.CURRENT
    await version("0001")
    assert await age_of(database_url) is Age.OLDER
    await version("9999")
    assert await age_of(database_url) is Age.NEWER
    with pytest.raises(StorageUnusable, match="cannot be reached"):
        await age_of("postgresql+asyncpg://vidu:secret-word@127.0.0.1:1/postgres")


@pytest.mark.long
async def test_nobody_waits_for_a_server_that_has_vanished(far: Storage, proxy: Proxy) -> None:
    proxy.freeze()
    for _ in range(2):  # on connections that stand, and on new ones
        began = time.monotonic()
        outcomes = await asyncio.gather(
            far.jobs.get(1),
            far.drafts.save(Draft(5, 1, "a fox"), START),
            far.jobs.count_of_user(1),
            return_exceptions=True,
        )
        assert time.monotonic() - began < 1 + TOLERANCE
        assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    began = time.monotonic()
    with pytest.raises(StorageUnavailable):
        await far.jobs.add(new_job(2))
    assert time.monotonic() - began < 5 + TOLERANCE


async def test_a_burst_against_a_vanished_server_leaves_no_connection_blocked(
    far: Storage, proxy: Proxy
) -> None:
    proxy.freeze()
    outcomes = await asyncio.gather(*(far.jobs.get(1) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    proxy.cut()
    proxy.thaw()
    async with asyncio.timeout(10):
        while True:
            try:
                found = await asyncio.gather(*(far.jobs.get(1) for _ in range(50)))
            except StorageUnavailable:
                await asyncio.sleep(0.1)
            else:
                break
    assert found == [new_job(1)] * 50


@pytest.mark.long
async def test_a_save_that_landed_although_its_answer_was_lost_is_not_stale(
    far: Storage, proxy: Proxy
) -> None:
    changed = replace(new_job(1), revision=1, state=State.QUEUED)
    proxy.freeze()
    saving = asyncio.create_task(far.jobs.save(changed, previous=0))
    await asyncio.sleep(0.2)
    proxy.cut()
    with pytest.raises(StorageUnavailable):
        await saving
    proxy.thaw()
    await far.jobs.save(changed, previous=0)
    assert await far.jobs.get(1) == changed


async def test_closing_does_not_wait_for_a_server_that_has_vanished(database: str, proxy: Proxy) -> None:
    storage = await Storage.open(postgres.shared().url(database, port=proxy.port))
    await asyncio.gather(*(storage.replies.all() for _ in range(5)))
    proxy.freeze()
    saving = asyncio.create_task(storage.jobs.add(new_job(1)))
    await asyncio.sleep(0)
    began = time.monotonic()
    await storage.close()
    assert time.monotonic() - began < 3
    saving.cancel()


@pytest.mark.long
async def test_a_server_that_vanishes_for_a_while_loses_nothing_and_holds_no_stop_up(
    tmp_path: Path, database: str, proxy: Proxy
) -> None:
    url = postgres.shared().url(database, port=proxy.port)
    async with open_wire(tmp_path, DATABASE_URL=url) as wire:
        slash = await wire.ask(1)
        await wire_clock.until(lambda: wire.submissions(1) == 1, "the request was sent", 10)
        proxy.freeze()
        began = time.monotonic()
        refused = await wire.ask(2)
        await wire_clock.until(
            lambda: "can't save anything right now" in refused.text, lambda: refused.text, 15
        )
        assert time.monotonic() - began < 15
        await asyncio.sleep(4)  # a real server is away in real time
        proxy.cut()
        proxy.thaw()
        await _posted(wire, 1)
        assert "Your video is ready" in slash.text
        assert wire.submissions(1) == 1
        assert wire.submissions(2) == 0

        await wire.ask(3)
        await wire_clock.until(lambda: wire.submissions(3) == 1, "the request was sent", 10)
        proxy.freeze()
        began = time.monotonic()
        assert await wire.process.stop() == 0
        assert time.monotonic() - began < 10
        assert "Traceback" not in wire.process.log
        proxy.cut()
        proxy.thaw()
        await wire.start()
        await _posted(wire, 3)
        assert wire.submissions(3) == 1


async def _posted(wire: Wire, seed: int) -> None:
    await wire_clock.until(
        lambda: f"vidu-{seed}.mp4" in wire.discord.posted_videos(), lambda: wire.process.log, 60
    )

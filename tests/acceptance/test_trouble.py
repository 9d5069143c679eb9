"""One payment and one video each, through lost POSTs, storage trouble, restarts and members' tricks."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from discord import app_commands

from bot.storage.storage import Storage, StorageUnusable
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import SimulatedCdn, World
from tests.acceptance.member import ask, assert_quota_untouched, card_text, private_answer, until
from tests.unit.storage.faults import pages_at_most

READY = "✅ Your video is ready"
HOUR = 3600


@pytest.fixture(autouse=True)
def _short_patience_with_other_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.storage.engine.BUSY_TIMEOUT", 50)


def posts(cloud: GmiCloud) -> int:
    return len([seen for seen in cloud.requests_seen if seen.method == "POST"])


def database(world: World) -> Path:
    return Path(world.settings.database_url.get_secret_value().removeprefix("sqlite+aiosqlite:///"))


async def test_a_lost_post_that_shows_later_is_still_delivered(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    cloud.fault("GET", "/requests", script.HTML_PAGE.repeated(15))
    asked = await ask(world, seed=5)
    await world.env.advance_time(65)
    assert "❔ We couldn't confirm your request" in card_text(asked)
    assert_quota_untouched(world)
    await until(world, asked, READY, seconds=HOUR)
    assert (posts(cloud), cloud.paid) == (1, 1)
    assert_quota_untouched(world)


async def test_a_lost_post_that_never_shows_is_closed_after_a_day(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.RESET_BEFORE)
    asked = await ask(world)
    await world.env.advance_time(90)
    assert "I won't send it again" in card_text(asked)
    for _ in range(26):
        await world.env.advance_time(HOUR)
    assert await world.bot.storage.jobs.unfinished() == []
    assert posts(cloud) == 1
    mine = await world.member.slash(world.channel, "videos")
    assert "We couldn't confirm your request, and no video turned up." in card_text(mine)


async def test_an_unreachable_gmi_cloud_is_waited_for(world: World, cloud: GmiCloud) -> None:
    async with cloud.away():
        asked = await ask(world)
        assert "I can't reach the provider right now. I'll retry <t:" in card_text(asked)
        await world.env.advance_time(60)
    await until(world, asked, READY)
    assert cloud.paid == 1


async def test_two_lost_posts_find_each_their_own(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.RESET_AFTER.repeated(2))
    first, second = await ask(world, seed=1), await ask(world, seed=2)
    await until(world, first, READY)
    await until(world, second, READY)
    for asked, seed in ((first, 1), (second, 2)):
        assert asked.response is not None
        assert asked.response.attachments[-1].filename == f"vidu-{seed}.mp4"
    assert (posts(cloud), cloud.paid) == (2, 2)


@pytest.mark.parametrize("seconds", [0, 2, 5, 9])
async def test_a_restart_at_any_state_goes_on(seconds: int, world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, seed=5)
    await world.env.advance_time(seconds)
    await world.restart()
    await until(world, asked, READY)
    assert (posts(cloud), cloud.paid) == (1, 1)
    assert len(world.env.backend.messages[world.channel.id]) == 1


async def test_a_restart_while_waiting_to_send_sends_once(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(30000))
    asked = await ask(world)
    await world.restart()
    await until(world, asked, READY)
    assert cloud.paid == 1


async def test_an_end_that_discord_did_not_take_is_told_after_a_restart(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    asked = await ask(world)
    await world.env.advance_time(5)
    world.env.inject_error("*", "/*", status=503, times=None)
    await world.env.advance_time(60)
    assert "❌" not in card_text(asked)
    world.env.backend.faults.clear()
    await world.restart()
    await until(world, asked, "❌ Couldn't make the video")
    assert await world.bot.storage.jobs.unfinished() == []


async def test_several_jobs_are_served_by_one_list(world: World, cloud: GmiCloud) -> None:
    await world.moderator.slash(world.channel, "quota set", videos=99)
    cloud.outcome(Outcome(delay=40))
    cloud.outcome(Outcome(delay=40))
    first, second = await ask(world), await ask(world)
    before = len(cloud.requests_seen)
    await until(world, first, READY)
    await until(world, second, READY)
    asked_for = [seen.path.rsplit("/", 1)[1] for seen in cloud.requests_seen[before:] if "queue" in seen.path]
    singly = [path for path in asked_for if path != "requests"]
    assert len(asked_for) - len(singly) >= 5
    # Only when one of them is finished, the other is asked about by itself.
    assert len(singly) <= 2


@pytest.mark.parametrize("page", [{"requests": []}, {"data": 1}, {"requests": [{"nonsense": True}]}])
async def test_a_list_of_no_use_falls_back_to_single_questions(
    page: dict[str, Any], world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/requests", script.answer(200, page).repeated(None))
    first, second = await ask(world), await ask(world)
    await until(world, first, READY)
    await until(world, second, READY)


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_a_locked_database_spends_nothing_and_is_told(world: World, cloud: GmiCloud) -> None:
    lock = sqlite3.connect(database(world), timeout=0)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        asked = await ask(world)
        assert "I can't save anything right now" in private_answer(asked)
    finally:
        lock.close()
    assert_quota_untouched(world)
    assert cloud.paid == 0


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_a_full_disk_spends_nothing_and_the_bot_recovers_with_it(world: World, cloud: GmiCloud) -> None:
    async with world.bot.storage.database.transaction() as connection:
        pages = (await connection.exec_driver_sql("PRAGMA page_count")).scalar()
    prompt = "🦊" * 1990  # more bytes than the pages that are left can hold
    with pages_at_most(pages or 0):
        text = private_answer(await ask(world, prompt=prompt))
    assert "I can't save anything right now" in text
    assert_quota_untouched(world)
    assert cloud.paid == 0
    with pages_at_most(1_000_000):
        await until(world, await ask(world, prompt=prompt), READY)


async def test_what_happened_while_the_storage_was_in_trouble_is_saved_later(
    world: World, cloud: GmiCloud
) -> None:
    asked = await ask(world)
    lock = sqlite3.connect(database(world), timeout=0)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        await world.env.advance_time(30)
        assert READY not in card_text(asked)
    finally:
        lock.close()
    await until(world, asked, READY)
    assert cloud.paid == 1


@pytest.mark.parametrize(
    "content", [b"this is no database, it is a poem" * 200, b"SQLite format 3\0" + b"x" * 4096]
)
async def test_a_damaged_database_is_refused_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "damaged.db"
    file.write_bytes(content)
    with pytest.raises(StorageUnusable, match="damaged: restore a backup"):
        await Storage.open(f"sqlite+aiosqlite:///{file}")


async def test_a_newer_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'newer.db'}"
    await (await Storage.open(url)).close()
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageUnusable, match="newer version of this bot"):
        await Storage.open(url)


async def test_a_folder_that_cannot_be_written_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageUnusable, match="check DATABASE_URL"):
        await Storage.open(f"sqlite+aiosqlite:///{tmp_path / 'file' / 'vidu.db'}")


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_the_same_interaction_delivered_twice_is_one_job(world: World, cloud: GmiCloud) -> None:
    seen: list[dict[str, Any]] = []

    def keep(event: str, payload: Any) -> None:
        if event == "INTERACTION_CREATE":
            seen.append(payload)

    world.env.backend.subscribers.append(keep)
    asked = await ask(world)
    world.env.backend.subscribers.remove(keep)
    world.env.backend.emit("INTERACTION_CREATE", seen[0])
    await world.env.settle()
    await until(world, asked, READY)
    assert (posts(cloud), cloud.paid) == (1, 1)
    assert len(world.env.backend.messages[world.channel.id]) == 1


async def test_a_request_that_was_lost_before_it_began_is_apologised_for(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never_ends(*_: object) -> bytes:
        await world.clock.wait(asyncio.Event(), None)
        return b""

    monkeypatch.setattr(SimulatedCdn, "read", never_ends)
    asked = await ask(world)
    assert asked.deferred
    await world.restart()
    assert "I restarted before I could send your request" in card_text(asked)
    assert_quota_untouched(world)
    assert cloud.paid == 0
    assert await world.bot.storage.replies.all() == []


async def test_a_lost_request_is_reported_once_discord_is_back(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never_ends(*_: object) -> bytes:
        await world.clock.wait(asyncio.Event(), None)
        return b""

    monkeypatch.setattr(SimulatedCdn, "read", never_ends)
    asked = await ask(world)
    for route in ("/webhooks/*/*/messages/*", "/channels/*/messages/*"):
        world.env.inject_error("PATCH", route, status=503, times=None)
    await world.restart()
    await world.env.advance_time(60)
    assert "I restarted" not in card_text(asked)
    assert len(await world.bot.storage.replies.all()) == 1

    world.env.backend.faults.clear()
    await until(world, asked, "I restarted before I could send your request", 5 * 60)
    assert await world.bot.storage.replies.all() == []
    assert_quota_untouched(world)
    assert cloud.paid == 0


async def test_an_answered_request_is_not_apologised_for(world: World) -> None:
    await ask(world, image1=("a.txt", b"hello there"))
    asked = await ask(world)
    assert await world.bot.storage.replies.all() == []
    await world.restart()
    await until(world, asked, READY)


async def test_a_member_who_left_still_gets_the_video(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    del world.env.backend.get_guild(world.guild.id).members[world.member.id]
    await until(world, asked, READY)
    assert cloud.paid == 1


async def test_many_members_at_the_same_moment(world: World, cloud: GmiCloud) -> None:
    people = [world.guild.add_member(world.env.create_user(f"member{n}")) for n in range(20)]
    for person in people:
        await person.slash(world.channel, "vidu", prompt="all at once", image1=("a.png", picture()))
    await world.env.advance_time(60)
    assert cloud.paid == 20
    finished = [
        message
        for message in world.env.backend.messages[world.channel.id].values()
        if any(attached["filename"].startswith("vidu-") for attached in message.attachments)
    ]
    assert len(finished) == 20


async def test_a_stopping_bot_takes_no_new_work(world: World, cloud: GmiCloud) -> None:
    await world.bot.job_service.close()
    assert "I'm about to restart" in private_answer(await ask(world))
    assert cloud.paid == 0

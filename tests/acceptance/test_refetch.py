"""A video whose file could not be fetched: its link at once, its file in the link's place later."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bot.delivery.sender import Refetched
from bot.jobs.deletion import DeleteResult
from bot.models.jobs import CardLocation
from bot.ui.texts.jobs import Extras
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World, components
from tests.acceptance.member import ask, card_text, delete, until

READY = "✅ Your video is ready"
LINK = "I couldn't download the video, so here's its link"
TRYING = "I'll keep trying until <t:"
HOUR = 3600
TRIES = 3  # of one download, in tests


def file_names(message: object) -> list[str]:
    return [attached.filename for attached in message.attachments]  # type: ignore[attr-defined]


def downloads(cloud: GmiCloud) -> int:
    return len([seen for seen in cloud.requests_seen if "/media/" in seen.path])


def messages(world: World) -> list[Any]:
    found = world.env.backend.messages[world.channel.id].values()
    return [message for message in found if not message.is_ephemeral]


async def test_a_storage_that_is_down_for_a_while_costs_nobody_the_file(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(3 * TRIES))
    asked = await ask(world, seed=5)
    text = await until(world, asked, READY)
    assert LINK in text
    assert TRYING in text
    assert file_names(asked.response) == ["reference-1.png"]
    await world.env.advance_time(10)
    assert downloads(cloud) == 2 * TRIES
    await world.env.advance_time(30)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    assert LINK not in card_text(asked)
    assert len(messages(world)) == 1
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_restart_in_between_still_brings_the_file(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(2 * TRIES))
    asked = await ask(world, seed=5)
    assert LINK in await until(world, asked, READY)
    await world.restart()
    await world.env.advance_time(60)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    assert len(messages(world)) == 1


async def test_who_had_to_wait_is_notified_once_and_not_again_for_the_file(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(delay=60))
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(2 * TRIES))
    asked = await ask(world, seed=5)
    await until(world, asked, READY)
    await world.restart()
    await world.env.advance_time(60)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    assert len([message for message in messages(world) if message.content]) == 1


async def test_after_an_hour_the_link_is_all_there_is(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(None))
    asked = await ask(world)
    await until(world, asked, READY)
    assert len(await world.bot.storage.jobs.unfinished()) == 1
    await world.env.advance_time(1.1 * HOUR)
    assert await world.bot.storage.jobs.unfinished() == []
    tried = downloads(cloud)
    assert tried < 25 * TRIES
    await world.env.advance_time(HOUR)
    assert downloads(cloud) == tried
    assert LINK in card_text(asked)


async def test_what_is_too_large_for_its_place_is_not_fetched_again(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(megabytes=26))
    await until(world, await ask(world), READY)
    assert await world.bot.storage.jobs.unfinished() == []


@pytest.mark.parametrize("restart", [False, True])
async def test_a_deleted_video_does_not_come_back(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(TRIES))
    asked = await ask(world)
    await until(world, asked, LINK)
    await delete(world.member, asked)
    if restart:
        await world.restart()
    await world.env.advance_time(HOUR)
    assert messages(world) == []
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_deletion_waits_for_the_file_that_is_on_its_way(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(TRIES))
    asked = await ask(world)
    await until(world, asked, LINK)
    [job] = await world.bot.storage.jobs.unfinished()
    deletions: list[asyncio.Task[DeleteResult]] = []
    put = world.bot.delivery.replace_links

    async def put_while_it_is_deleted(found: Refetched, extras: Extras) -> CardLocation:
        deletions.append(asyncio.create_task(world.bot.job_service.delete(job.id)))
        await asyncio.sleep(0)
        return await put(found, extras)

    monkeypatch.setattr(world.bot.delivery, "replace_links", put_while_it_is_deleted)
    await world.env.advance_time(60)
    assert [deletion.result() for deletion in deletions] == [DeleteResult.YES]
    assert messages(world) == []
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_message_that_is_gone_is_not_sent_anew(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(TRIES))
    asked = await ask(world)
    await until(world, asked, LINK)
    assert asked.response is not None
    world.env.backend.delete_message(world.channel.id, asked.response.id)
    await world.env.advance_time(60)
    assert messages(world) == []
    assert await world.bot.storage.jobs.unfinished() == []


async def test_of_several_videos_only_those_that_are_missing_are_fetched_again(
    world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(videos=2))
    cloud.fault("GET", "/media/*-1.mp4", script.CAPACITY.repeated(TRIES))
    asked = await ask(world, seed=5)
    assert LINK in await until(world, asked, READY)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    await world.restart()
    await world.env.advance_time(30)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4", "vidu-5-2.mp4"]
    paths = [seen.path for seen in cloud.requests_seen if "/media/" in seen.path]
    assert len([path for path in paths if path.endswith("-0.mp4")]) == 1
    played = next(part for part in components(asked.response) if part["type"] == 12)["items"]
    assert len(played) == 2


async def test_a_private_video_gets_its_file_while_its_token_lives(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(2 * TRIES))
    asked = await ask(world, private=True, seed=5)
    assert LINK in await until(world, asked, READY)
    await world.env.advance_time(60)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    assert world.channel.last_message is None


async def test_a_private_card_announces_no_file_after_its_token(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(None))
    await until(world, await ask(world, private=True), READY)
    await world.env.advance_time(15 * 60)
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_direct_message_gets_its_file_too(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(2 * TRIES))
    await ask(world, private=True, seed=5)
    await world.env.advance_time(22 * 60)
    [message] = world.env.backend.messages[world.env.backend.dm_channels[world.member.id]].values()
    assert [attached["filename"] for attached in message.attachments] == ["vidu-5.mp4"]
    assert await world.bot.storage.jobs.unfinished() == []


async def test_where_the_history_cannot_be_read_the_file_comes_all_the_same(
    world: World, cloud: GmiCloud
) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(TRIES))
    asked = await ask(world, seed=5)
    await until(world, asked, LINK)
    world.env.inject_error("GET", "/channels/*/messages/*", status=403, code=50001, times=None)
    await world.env.advance_time(30)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]


async def test_discords_trouble_at_the_second_edit_is_waited_for(world: World, cloud: GmiCloud) -> None:
    cloud.fault("GET", "/media/*", script.CAPACITY.repeated(TRIES))
    asked = await ask(world, seed=5)
    await until(world, asked, LINK)
    world.env.inject_error("PATCH", "/webhooks/*/*/messages/*", status=503, times=4)
    await world.env.advance_time(90)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]
    assert len(messages(world)) == 1


async def test_a_full_disk_gives_the_link_at_once_and_the_file_when_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A temporary file on a full disk: the machine's own, which has no room for anything."""

        def __init__(self, dir: Path, **_: object) -> None:  # noqa: A002
            self.name = str(dir / "full")
            Path(self.name).symlink_to("/dev/full")
            self._file = Path(self.name).open("wb")  # noqa: SIM115
            self.write = self._file.write

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

    asked = await ask(world, seed=5)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "NamedTemporaryFile", Full)
        assert LINK in await until(world, asked, READY)
    await world.env.advance_time(30)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]


async def test_without_a_folder_for_files_there_is_the_link(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(world, seed=5)
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", os.fspath(tmp_path / "gone"))
        assert LINK in await until(world, asked, READY)
    await world.env.advance_time(30)
    assert file_names(asked.response) == ["reference-1.png", "vidu-5.mp4"]

"""Delete: it asks once, and then the card, the video and what was typed are gone, also over a restart."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from simcord import MemberActor

from bot.storage.schema import jobs
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World, components, texts
from tests.acceptance.member import (
    ask,
    card_text,
    delete,
    press,
    private_answer,
    question,
    until,
)

READY = "✅ Your video is ready"
FAILED = "❌ Couldn't make the video"
DELETED = "🗑️ This video was deleted."
DAY = 24 * 3600


def public_messages(world: World) -> list[Any]:
    messages = world.env.backend.messages[world.channel.id].values()
    return [message for message in messages if not message.is_ephemeral]


def button_labels(message: Any) -> list[str]:
    return [each["label"] for each in components(message) if each["type"] == 2]


async def row(world: World) -> Any:
    """Return the one job as the database has it."""
    async with world.bot.storage.database.transaction(reads=True) as connection:
        return (await connection.execute(sa.select(jobs))).one()


async def videos_of(world: World, who: MemberActor) -> str:
    return card_text(await who.slash(world.channel, "videos"))


def used(world: World) -> tuple[int, int]:
    standing = world.bot.quota_service.status(world.guild.id, world.member.id, [])
    return standing.used_videos, standing.used_seconds


async def test_delete_asks_in_plain_words_and_keep_keeps_everything(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    asking = question(await press(world.member, asked, "Delete"))
    text = "\n".join(texts(asking))
    assert "Delete this video?" in text
    assert "The card, the video, the prompt and the files will be gone for good." in text
    assert "provider's own link to the video can keep working for a while" in text
    await world.restart()
    await world.member.click(asking, label="Keep")
    assert texts(asking) == ["👍 Nothing was deleted."]
    assert READY in card_text(asked)
    assert "a fox in the snow" in await videos_of(world, world.member)


@pytest.mark.parametrize("who", ["member", "moderator"])
@pytest.mark.parametrize("restart", [False, True])
async def test_delete_removes_everything_but_what_counts(restart: bool, who: str, world: World) -> None:
    asked = await ask(world, duration=3)
    await until(world, asked, READY)
    await world.env.advance_time(120)
    person, before = getattr(world, who), await row(world)
    asking = question(await press(person, asked, "Delete"))
    if restart:
        await world.restart()
    await person.click(asking, label="Delete")

    assert texts(asking) == ["🗑️ Deleted."]
    assert public_messages(world) == []
    assert "None yet." in await videos_of(world, world.member)
    after = await row(world)
    assert (after.prompt, after.reference_list, after.results, after.token) == ("", [], [], None)
    assert after.deleted_at is not None
    for column in ("id", "user_id", "quota_guild_id", "duration", "charge", "created_at", "state"):
        assert getattr(after, column) == getattr(before, column)
    assert (after.seed, after.request_id) == (before.seed, before.request_id)
    assert used(world) == (1, 3)
    await world.restart()
    assert used(world) == (1, 3)
    assert public_messages(world) == []  # nobody was pinged either


async def test_a_moderator_reads_whose_video_it_is(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    text = "\n".join(texts(question(await press(world.moderator, asked, "Delete"))))
    assert f"Delete {world.member.mention}'s video?" in text
    assert "Their quota stays, and they won't be notified." in text


async def test_a_stranger_deletes_nothing(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await world.restart()
    assert "and moderators can delete" in private_answer(await press(world.other, asked, "Delete"))
    assert READY in card_text(asked)


async def test_every_old_button_says_that_the_video_was_deleted(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    listed = await world.member.slash(world.channel, "videos")
    copy = await press(world.member, listed, "Show")
    earlier = question(await press(world.member, asked, "Delete"))
    later = question(await press(world.member, asked, "Delete"))
    await world.member.click(earlier, label="Delete")
    await world.restart()
    for label in ("Show", "Delete"):
        assert private_answer(await press(world.member, listed, label)) == DELETED
    for label in ("Again", "Edit"):
        assert private_answer(await press(world.member, copy, label)) == DELETED
    await world.member.click(later, label="Delete")
    assert texts(later) == [DELETED]
    # What still shows it goes as well.
    await press(world.member, copy, "Delete")
    assert card_text(copy) == DELETED
    assert copy.response is not None
    assert copy.response.attachments == []


async def test_deleting_a_copy_leaves_the_video(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    copy = await press(world.member, await world.member.slash(world.channel, "videos"), "Show")
    await world.restart()
    await press(world.member, copy, "Delete")
    assert card_text(copy).startswith("🗑️ I removed this copy. The video itself is still there")
    assert copy.response is not None
    assert copy.response.attachments == []
    assert READY in card_text(asked)
    assert READY in await videos_of(world, world.member)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_private_video_is_deleted_from_its_card(restart: bool, world: World) -> None:
    asked = await ask(world, private=True)
    await until(world, asked, READY)
    await world.env.advance_time(DAY)
    # Discord has no such message in the channel: only a token that is fresh reaches it.
    for method in ("GET", "PATCH", "DELETE"):
        world.env.inject_error(method, "/channels/*/messages/*", status=404, code=10008, times=None)
    asking = question(await press(world.member, asked, "Delete"))
    if restart:
        await world.restart()
    await world.member.click(asking, label="Delete")
    assert texts(asking) == ["🗑️ Deleted."]
    assert asked.response is None
    assert "None yet." in await videos_of(world, world.member)
    assert await world.bot.storage.jobs.unfinished() == []


async def test_a_private_video_is_deleted_from_the_list_once_its_card_is_out_of_reach(world: World) -> None:
    asked = await ask(world, private=True)
    await until(world, asked, READY)
    await world.env.advance_time(DAY)
    for method in ("GET", "PATCH", "DELETE"):
        world.env.inject_error(method, "/channels/*/messages/*", status=404, code=10008, times=None)
    told = await delete(world.member, await world.member.slash(world.channel, "videos"))
    assert told == "🗑️ Deleted. I can't reach the card itself: if you still see it, click **Delete** on it."
    assert "None yet." in await videos_of(world, world.member)
    assert await world.bot.storage.jobs.unfinished() == []
    await press(world.member, asked, "Delete")
    assert card_text(asked) == DELETED


async def test_a_video_that_came_by_direct_message_is_deleted_there(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    await ask(world, private=True)
    await world.env.advance_time(25 * 60)
    channel = world.env.backend.dm_channels[world.member.id]
    assert len(world.env.backend.messages[channel]) == 1
    await world.restart()
    assert await delete(world.member, await world.member.slash(world.channel, "videos")) == "🗑️ Deleted."
    assert len(world.env.backend.messages[channel]) == 0


async def test_a_request_that_failed_is_deleted_too(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    asked = await ask(world)
    await until(world, asked, FAILED)
    await world.restart()
    asking = question(await press(world.member, asked, "Delete"))
    assert "Delete this request?" in "\n".join(texts(asking))
    await world.member.click(asking, label="Delete")
    assert public_messages(world) == []
    assert (await row(world)).state == "failed"
    assert used(world) == (0, 0)


async def test_what_is_being_made_has_no_delete(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, "🎬 Rendering")
    for message in (asked.response, (await world.member.slash(world.channel, "videos")).response):
        assert "Delete" not in button_labels(message)
    await until(world, asked, READY)
    assert "Delete" in button_labels(asked.response)


async def test_while_discord_is_in_trouble_the_card_is_removed_later(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(DAY)
    listed = await world.member.slash(world.channel, "videos")
    for method in ("DELETE", "PATCH"):
        world.env.inject_error(method, "/channels/*/messages/*", status=503, times=2)
    assert "I'll keep trying" in await delete(world.member, listed)
    assert "None yet." in await videos_of(world, world.member)
    assert asked.response is not None
    await world.restart()
    await world.env.advance_time(60)
    assert asked.response is None
    assert await world.bot.storage.jobs.unfinished() == []


async def test_where_the_message_cannot_be_deleted_it_says_so_without_files(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    for route in ("/webhooks/*/*/messages/*", "/channels/*/messages/*"):
        world.env.inject_error("DELETE", route, status=403, code=50013, times=None)
    assert await delete(world.member, asked) == "🗑️ Deleted."
    assert card_text(asked) == DELETED
    assert asked.response is not None
    assert asked.response.attachments == []


@pytest.mark.settings(quota_videos=9)
async def test_pages_do_not_count_what_was_deleted(world: World) -> None:
    cards = [await ask(world, prompt=f"fox {number}", duration=1) for number in range(1)]
    for number in range(1, 6):
        await until(world, cards[-1], READY)
        cards.append(await ask(world, prompt=f"fox {number}", duration=1))
    await until(world, cards[-1], READY)
    assert "page 1 of 2" in await videos_of(world, world.member)
    await delete(world.moderator, cards[2])
    text = await videos_of(world, world.member)
    assert "page" not in text
    assert [number for number in range(6) if f"fox {number}" in text] == [0, 1, 3, 4, 5]


async def test_delete_pressed_twice_at_once_is_one_deletion(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    mine = question(await press(world.member, asked, "Delete"))
    theirs = question(await press(world.moderator, asked, "Delete"))
    await world.member.click(mine, label="Delete")
    await world.moderator.click(theirs, label="Delete")
    assert (texts(mine), texts(theirs)) == (["🗑️ Deleted."], [DELETED])

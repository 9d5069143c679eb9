"""Apps > "Report this video": it reaches the moderators, who can remove the video there."""

from __future__ import annotations

from typing import Any

import pytest
from simcord import ChannelHandle, InteractionResult, MemberActor

from fakes.world import World, components, texts
from tests.acceptance.member import ask, delete, private_answer, question, until
from tests.acceptance.test_moderation_filter import manager_of

READY = "✅ Your video is ready"
NAME = "Report this video"


@pytest.fixture
async def log(world: World) -> ChannelHandle:
    """Return the log channel of the server."""
    channel = world.guild.create_text_channel("mod-log")
    await manager_of(world).slash(world.channel, "moderation log channel", channel=channel)
    await world.env.advance_time(10)
    return channel


async def report(world: World, who: MemberActor, asked: InteractionResult) -> str:
    assert asked.response is not None
    return private_answer(await who.context_menu(world.channel, NAME, asked.response))


def last(world: World, channel: ChannelHandle) -> Any:
    return list(world.env.backend.messages[channel.id].values())[-1]


async def test_a_report_has_a_button_that_removes_the_video(world: World, log: ChannelHandle) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    told = await report(world, world.other, asked)
    assert told.startswith("🚩 Thanks. The moderators of this server can see your report now")
    message = last(world, log)
    text = "\n".join(texts(message))
    assert f"🚩 {world.other.mention} reported a video of {world.member.mention}. [View](https://" in text
    assert str(world.channel.id) in text
    assert "fox" not in text  # what it shows stands on the card only
    [button] = [part for part in components(message) if part["type"] == 2]
    await world.restart()
    shown = log.last_message
    assert shown is not None
    # Who may see the log is up to the server; removing takes a moderator all the same.
    refused = await world.other.click(shown, custom_id=button["custom_id"])
    assert "and moderators can delete" in private_answer(refused)
    asking = question(await world.moderator.click(shown, custom_id=button["custom_id"]))
    assert f"Delete {world.member.mention}'s video?" in "\n".join(texts(asking))
    await world.moderator.click(asking, label="Delete")
    public = [
        found for found in world.env.backend.messages[world.channel.id].values() if not found.is_ephemeral
    ]
    assert public == []
    again = await world.moderator.click(shown, custom_id=button["custom_id"])
    assert "This video was deleted." in private_answer(again)


async def test_the_same_report_is_written_once(world: World, log: ChannelHandle) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(10)
    before = len(world.env.backend.messages[log.id])
    await report(world, world.other, asked)
    assert "You already reported this video." in await report(world, world.other, asked)
    await report(world, world.moderator, asked)
    assert len(world.env.backend.messages[log.id]) == before + 2


async def test_without_a_log_the_member_hears_whom_to_ask(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    told = await report(world, world.other, asked)
    assert "nobody was told. Write to a moderator of this server" in told


async def test_where_the_log_cannot_be_written_the_member_and_the_next_moderator_hear_it(
    world: World, log: ChannelHandle
) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(10)
    world.env.inject_error("POST", f"/channels/{log.id}/messages", status=403, code=50001)
    assert "I couldn't send your report just now" in await report(world, world.other, asked)
    answer = private_answer(await world.moderator.slash(world.channel, "moderation blocked"))
    assert "I couldn't write the log in" in answer
    assert "Thanks" in await report(world, world.other, asked)


async def test_only_videos_of_the_bot_are_reported(world: World, log: ChannelHandle) -> None:
    sent = await world.other.send(world.channel, "hello")
    told = private_answer(await world.member.context_menu(world.channel, NAME, sent))
    assert "That isn't a video of mine" in told
    asked = await ask(world)
    await until(world, asked, READY)
    await report(world, world.other, asked)
    shown = log.last_message
    assert shown is not None
    told = private_answer(await world.moderator.context_menu(log, NAME, shown))
    assert "That isn't a video of mine" in told


async def test_a_video_that_was_just_deleted_is_not_reported(world: World, log: ChannelHandle) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    assert asked.response is not None
    for method in ("DELETE", "PATCH"):
        world.env.inject_error(method, f"/channels/{world.channel.id}/messages/*", status=500, times=None)
        world.env.inject_error(method, f"/webhooks/*/messages/{asked.response.id}", status=500, times=None)
    await delete(world.member, asked)
    assert "was deleted already" in await report(world, world.other, asked)

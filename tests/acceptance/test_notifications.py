"""A member who had to wait is notified, once, and nobody else is."""

from __future__ import annotations

import pytest

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World
from tests.acceptance.member import ask, until

READY = "✅ Your video is ready"


def replies(world: World) -> list[str]:
    messages = world.env.backend.messages[world.channel.id].values()
    return [message.content for message in messages if message.content]


async def test_a_quick_video_notifies_nobody(world: World) -> None:
    await until(world, await ask(world), READY)
    await world.env.advance_time(60)
    assert replies(world) == []


async def test_a_slow_video_notifies_its_owner_once_and_nobody_else(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world, prompt="@everyone hello")
    await until(world, asked, READY)
    await world.restart()
    await world.env.advance_time(600)
    assert replies(world) == [f"{world.member.mention} your video is ready."]
    message = world.channel.last_message
    assert message is not None
    assert asked.response is not None
    assert message.reference is not None
    assert message.reference.message_id == asked.response.id
    bodies = [entry.json for entry in world.env.http_requests if isinstance(entry.json, dict)]
    [sent] = [body for body in bodies if body.get("content")]
    assert sent["allowed_mentions"]["users"] in ([world.member.id], [str(world.member.id)])
    assert sent["allowed_mentions"].get("parse", []) == []
    assert sent["enforce_nonce"]


async def test_a_slow_failure_is_told_too(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome("failed", {"error": "TaskTimeout"}, delay=60))
    await until(world, await ask(world), "❌ Couldn't make the video")
    assert replies(world) == [f"{world.member.mention} your video failed. The provider timed out."]


async def test_a_private_video_is_not_announced_in_the_channel(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    await until(world, await ask(world, private=True), READY)
    assert world.channel.last_message is None


@pytest.mark.settings(notify_after_seconds=-1)
async def test_an_operator_can_switch_it_off(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=600))
    await until(world, await ask(world), READY, seconds=900)
    assert replies(world) == []


async def test_where_nobody_may_write_the_video_is_there_all_the_same(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.Outcome(delay=60))
    asked = await ask(world)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, times=None)
    await until(world, asked, READY)
    assert await world.bot.storage.jobs.unfinished() == []

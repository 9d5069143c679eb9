"""`/videos`: page by page, with buttons; where private results wait."""

from __future__ import annotations

import re
from typing import Any

import pytest
from simcord import InteractionResult

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import World, components, texts
from tests.acceptance.member import (
    ask,
    assert_quota_untouched,
    card_text,
    press,
    private_answer,
    until,
)

READY = "✅ Your video is ready"


async def listed(world: World) -> InteractionResult:
    return await world.member.slash(world.channel, "videos")


def labels(asked: InteractionResult) -> list[str]:
    return [each["label"] for each in components(asked.response) if each["type"] == 2]


def button(asked: InteractionResult, label: str, number: int = 0) -> str:
    """Return the id of one of several buttons with the same words."""
    found = [each for each in components(asked.response) if each.get("label") == label]
    return str(found[number]["custom_id"])


def job_of(asked: InteractionResult) -> str:
    """Return the number of the job that a card shows, from its buttons."""
    found = [str(each.get("custom_id", "")) for each in components(asked.response)]
    return next(custom_id.rsplit(":", 1)[1] for custom_id in found if custom_id.startswith("vidu:"))


def renew_links(world: World, day: int) -> None:
    """Let the links to files die that Discord has given out, as each does within a day."""
    cdn = world.env.backend.cdn
    for message in world.env.backend.messages[world.channel.id].values():
        for attached in message.attachments:
            dead = attached["url"]
            attached["url"] = attached["proxy_url"] = f"{dead.split('?')[0]}?day={day}"
            cdn._blobs[attached["url"]] = cdn._blobs.pop(dead)


def video_names(asked: InteractionResult) -> list[str]:
    assert asked.response is not None
    names = [each.filename for each in asked.response.attachments]
    return [name for name in names if name.startswith("vidu-")]


def direct_messages(world: World) -> list[Any]:
    backend = world.env.backend
    return list(backend.messages.get(backend.dm_channels.get(world.member.id, 0), {}).values())


async def test_each_job_has_state_prompt_time_link_and_buttons(world: World, cloud: GmiCloud) -> None:
    done = await ask(world, prompt="first fox")
    await until(world, done, READY)
    cloud.outcome(script.failed("TaskTimeout"))
    await until(world, await ask(world, prompt="second fox"), "❌ Couldn't make the video")
    cloud.outcome(Outcome(delay=60))
    await ask(world, prompt="third fox")
    shown = await listed(world)
    assert labels(shown) == ["Cancel", "Again", "Delete", "Show", "Delete"]
    text = card_text(shown)
    assert [text.index(f"{each} fox") for each in ("third", "second", "first")] == sorted(
        text.index(f"{each} fox") for each in ("first", "second", "third")
    )
    assert len(re.findall(r"<t:\d+:R> · \[View\]\(https://discord.com/channels/", text)) == 3
    assert "The provider timed out." in text
    assert "### 📊 Your quota" in text
    assert "**Next slot:** <t:" in text


@pytest.mark.settings(quota_videos=9)
async def test_it_turns_pages_after_a_restart_too(world: World) -> None:
    for number in range(7):
        await until(world, await ask(world, prompt=f"fox {number}", duration=1), READY)
    shown = await listed(world)
    assert "page 1 of 2" in card_text(shown)
    assert re.findall(r"fox \d", card_text(shown)) == [f"fox {n}" for n in (6, 5, 4, 3, 2)]
    buttons = [each for each in components(shown.response) if each.get("label") in {"Newer", "Older"}]
    assert [each.get("disabled", False) for each in buttons] == [True, False]
    await world.restart()
    await press(world.member, shown, "Older")
    assert "page 2 of 2" in card_text(shown)
    assert re.findall(r"fox \d", card_text(shown)) == ["fox 1", "fox 0"]
    await press(world.member, shown, "Newer")
    assert "page 1 of 2" in card_text(shown)


async def test_another_member_sees_their_own_only(world: World) -> None:
    await until(world, await ask(world), READY)
    shown = await world.other.slash(world.channel, "videos")
    assert "None yet." in card_text(shown)


@pytest.mark.parametrize("restart", [False, True])
async def test_cancel_from_the_list(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world)
    shown = await listed(world)
    if restart:
        await world.restart()
    assert "🚫 Canceled" in private_answer(await press(world.member, shown, "Cancel"))
    assert "🚫 Canceled" in card_text(asked)
    assert_quota_untouched(world)


@pytest.mark.parametrize("restart", [False, True])
async def test_again_from_the_list_uses_the_cards_references(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    await until(world, await ask(world, prompt="first fox", image1=("my_fox.png", picture())), READY)
    await until(world, await ask(world, prompt="second fox"), READY)
    shown = await listed(world)
    if restart:
        await world.restart()
    assert shown.response is not None
    copy = await world.member.click(shown.response, custom_id=button(shown, "Show", 1))
    again = await press(world.member, copy, "Again")
    await until(world, again, READY)
    assert "first fox" in card_text(again)
    posts = [seen.body["payload"] for seen in cloud.requests_seen if seen.method == "POST"]
    assert posts[2]["prompt"] == "first fox"
    assert posts[2]["images"][0].endswith("reference-1.png")


async def test_again_from_the_list_days_later_uses_links_that_live(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, image1=("my_fox.png", picture()))
    await until(world, asked, READY)
    for day in range(3):
        shown = await listed(world)
        assert shown.response is not None
        copy = await world.member.click(shown.response, custom_id=f"vidu:show:{job_of(asked)}")
        again = await press(world.member, copy, "Again")
        await until(world, again, READY)
        await world.env.advance_time(3 * 24 * 3600)
        renew_links(world, day)
    assert cloud.paid == 4


@pytest.mark.parametrize("restart", [False, True])
async def test_show_brings_a_video_once_more(restart: bool, world: World) -> None:
    asked = await ask(world, seed=42)
    await until(world, asked, READY)
    shown = await listed(world)
    if restart:
        await world.restart()
    copy = await press(world.member, shown, "Show")
    assert copy.response is not None
    assert copy.response.ephemeral
    assert READY in card_text(copy)
    assert video_names(copy) == ["vidu-42.mp4"]
    assert READY in card_text(asked)
    assert video_names(asked) == ["vidu-42.mp4"]


@pytest.mark.parametrize("restart", [False, True])
async def test_a_private_result_past_the_token_comes_by_direct_message(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    asked = await ask(world, private=True, seed=42)
    assert "If it takes over 15 minutes, I'll send it to you as a DM." in card_text(asked)
    if restart:
        await world.restart()
    await world.env.advance_time(25 * 60)
    [message] = direct_messages(world)
    assert READY in "\n".join(texts(message))
    assert [each["filename"] for each in message.attachments] == ["vidu-42.mp4"]
    assert cloud.paid == 1


@pytest.mark.parametrize("restart", [False, True])
async def test_where_direct_messages_are_closed_it_waits_for_show(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    world.env.inject_error(
        "POST", "/channels/*/messages", status=403, code=50007, message="Cannot send", times=None
    )
    cloud.outcome(Outcome(delay=20 * 60))
    await ask(world, private=True, seed=42)
    await world.env.advance_time(25 * 60)
    if restart:
        await world.restart()
    shown = await listed(world)
    assert "📦 Finished" in card_text(shown)
    copy = await press(world.member, shown, "Show")
    assert READY in card_text(copy)
    assert video_names(copy) == ["vidu-42.mp4"]
    await world.env.advance_time(2 * 3600)
    assert READY in card_text(await listed(world))
    assert world.channel.last_message is None
    assert cloud.paid == 1
    again = await press(world.member, await listed(world), "Show")
    assert video_names(again) == ["vidu-42.mp4"]


async def test_show_moves_a_private_card_that_is_still_running(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=20 * 60))
    await ask(world, private=True, seed=42)
    await world.env.advance_time(14 * 60)
    moved = await press(world.member, await listed(world), "Show")
    assert "⏳ Waiting in line" in card_text(moved)
    await world.env.advance_time(10 * 60)
    assert READY in card_text(moved)
    assert video_names(moved) == ["vidu-42.mp4"]
    assert direct_messages(world) == []

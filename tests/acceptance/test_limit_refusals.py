"""What members read and can click where a limit refuses their request: before anything is sent."""

from __future__ import annotations

import re

import pytest
from simcord import InteractionResult

from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import World, components
from tests.acceptance.member import ask, filled_in, press, private_answer, submit, until

READY = "✅ Your video is ready"
NOTHING_SENT = "Nothing was sent, and this doesn't count towards your quota."
EDIT, RETRY = "Edit and try again", "Try again"


async def moderate(world: World, command: str, **options: object) -> str:
    """Run a /quota command as the moderator and return the private answer."""
    return private_answer(await world.moderator.slash(world.channel, f"quota {command}", **options))


def buttons_of(asked: InteractionResult) -> list[str]:
    message = asked.response or asked.followups[0]
    return [part["label"] for part in components(message) if "label" in part]


async def test_who_is_blocked_has_no_button_that_leads_nowhere(world: World, cloud: GmiCloud) -> None:
    await moderate(world, "set", member=world.member, videos=0)
    asked = await ask(world)
    text = private_answer(asked)
    assert f"You can't make videos here (rule for {world.member.mention})." in text
    assert "A moderator can change that." in text
    assert NOTHING_SENT in text
    assert buttons_of(asked) == []
    assert cloud.paid == 0


@pytest.mark.settings(quota_videos=0)
async def test_whom_the_default_blocks_is_told_whom_to_ask(world: World) -> None:
    asked = await ask(world)
    assert "Ask a moderator of your server or the people who run this bot." in private_answer(asked)
    assert buttons_of(asked) == []


@pytest.mark.settings(quota_videos=1)
async def test_where_only_time_helps_the_same_request_can_be_tried_again(
    world: World, cloud: GmiCloud
) -> None:
    await until(world, await ask(world), READY)
    asked = await ask(world, prompt="a lynx on a roof", duration=7, seed=99)
    text = private_answer(asked)
    assert NOTHING_SENT in text
    assert buttons_of(asked) == [RETRY]
    [frees] = re.findall(r"You can make another <t:(\d+):R>", text)
    await world.env.advance_time(int(frees) - world.env.now().timestamp() + 1)
    opened = await press(world.member, asked, RETRY)
    typed = filled_in(opened)
    assert (typed["prompt"], typed["duration"], typed["seed"]) == ("a lynx on a roof", ["7"], "99")
    await until(world, await submit(world.member, opened), READY)
    assert cloud.paid == 2


@pytest.mark.settings(quota_running=1)
async def test_while_one_is_in_progress_the_next_can_be_tried_again(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=60))
    first = await ask(world)
    asked = await ask(world)
    assert buttons_of(asked) == [RETRY]
    await until(world, first, READY)
    again = await submit(world.member, await press(world.member, asked, RETRY))
    await until(world, again, READY)


async def test_where_a_shorter_video_fits_the_request_can_be_edited(world: World, cloud: GmiCloud) -> None:
    await moderate(world, "set", seconds=12)
    await until(world, await ask(world, duration=8), READY)
    asked = await ask(world, duration=5)
    assert "There are 4 seconds left for a shorter video." in private_answer(asked)
    assert buttons_of(asked) == [EDIT]
    shorter = await submit(world.member, await press(world.member, asked, EDIT), duration=["4"])
    await until(world, shorter, READY)
    used_up = await ask(world, duration=5)
    assert "left for a shorter video" not in private_answer(used_up)
    assert buttons_of(used_up) == [RETRY]


@pytest.mark.settings(budget_server_seconds=8)
async def test_a_budget_that_is_nearly_used_up_says_what_is_left(world: World, cloud: GmiCloud) -> None:
    await until(world, await ask(world, duration=7), READY)
    asked = await world.other.slash(
        world.channel, "vidu", prompt="x", duration=2, image1=("a.png", picture())
    )
    text = private_answer(asked)
    assert "This bot's limit for each server is nearly used up: 7 of 8 seconds of video per day" in text
    assert "this video needs 2 seconds. There's 1 second left for a shorter video." in text
    assert NOTHING_SENT in text
    assert buttons_of(asked) == [EDIT]
    assert cloud.paid == 1


@pytest.mark.settings(budget_seconds=4)
async def test_a_video_longer_than_the_whole_budget(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, duration=5)
    assert "This bot's total limit only allows videos of up to 4 seconds." in private_answer(asked)
    assert buttons_of(asked) == [EDIT]
    assert cloud.paid == 0


@pytest.mark.settings(budget_server_seconds=0)
async def test_a_server_in_which_the_operator_allows_nothing(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world)
    assert "The people who run this bot don't allow videos here." in private_answer(asked)
    assert buttons_of(asked) == []
    assert cloud.paid == 0

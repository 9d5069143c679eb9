"""The small print of cards: a code to report a failure by, and what is left of a quota."""

from __future__ import annotations

import logging
import re

import pytest
from simcord import InteractionResult

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World
from tests.acceptance.member import ask, card_text, until

READY, FAILED = "✅ Your video is ready", "❌ Couldn't make the video"


def report_codes(shown: InteractionResult) -> list[str]:
    return re.findall(r"report code ([0-9A-Z]{6})", card_text(shown))


def quota_left(shown: InteractionResult) -> list[str]:
    return re.findall(r"quota left: ([^·\n]+)", card_text(shown))


async def test_a_member_can_tell_the_operator_which_one_failed(
    world: World, cloud: GmiCloud, caplog: pytest.LogCaptureFixture
) -> None:
    for end in (script.failed("TaskTimeout"), Outcome(), script.failed("TaskPromptPolicyViolation")):
        cloud.outcome(end)
    with caplog.at_level(logging.INFO):
        first = await ask(world, prompt="first fox")
        await until(world, first, FAILED)
        done = await ask(world, prompt="second fox")
        await until(world, done, READY)
        third = await ask(world, prompt="third fox")
        await until(world, third, FAILED)
    [one], [other] = report_codes(first), report_codes(third)
    assert one != other
    assert report_codes(done) == []
    listed = await world.member.slash(world.channel, "videos")
    assert report_codes(listed) == [other, one]
    for code, reason in ((one, "TaskTimeout"), (other, "policy")):
        [line] = [record.getMessage() for record in caplog.records if code in record.getMessage()]
        assert reason in line
    await world.restart()
    assert report_codes(await world.member.slash(world.channel, "videos")) == [other, one]


async def test_a_request_that_was_refused_has_a_code_too(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "*", script.NO_CREDIT)
    asked = await ask(world)
    await until(world, asked, "❌ Not accepted")
    assert len(report_codes(asked)) == 1


@pytest.mark.settings(quota_videos=3, quota_seconds=20)
async def test_a_private_card_says_what_is_left_of_the_quota(world: World, cloud: GmiCloud) -> None:
    asked = await ask(world, private=True, duration=5)
    assert quota_left(asked) == ["2 videos, 15 seconds"]
    for words in ("🎬 Rendering", READY):
        await until(world, asked, words)
        assert quota_left(asked) == ["2 videos, 15 seconds"]
    cloud.outcome(script.failed("TaskTimeout"))
    failed = await ask(world, private=True, duration=5)
    assert quota_left(failed) == ["1 video, 10 seconds"]
    await until(world, failed, FAILED)
    assert quota_left(failed) == ["2 videos, 15 seconds"]  # it does not count


@pytest.mark.settings(quota_videos=3)
async def test_a_public_card_keeps_it_to_itself(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    assert quota_left(asked) == []


@pytest.mark.settings(quota_videos=3)
async def test_the_rule_of_a_role_is_the_one_that_is_shown(world: World) -> None:
    role = world.guild.create_role("Film club")
    await world.moderator.slash(world.channel, "quota set", role=role, videos=9)
    world.env.backend.get_guild(world.guild.id).members[world.member.id].role_ids.append(role.id)
    asked = await ask(world, private=True)
    await until(world, asked, READY)
    assert quota_left(asked) == ["8 videos"]

"""`/quota set` and `/quota clear`: every option, and what a moderator reads about it."""

from __future__ import annotations

import pytest

from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.world import World
from tests.acceptance.member import ask, card_text, private_answer, until

READY = "✅ Your video is ready"
BOT_LIMIT = "⚠️ This bot's total limit still applies and can be reached first"


async def moderate(world: World, command: str, **options: object) -> str:
    """Run a /quota command as the moderator and return the private answer."""
    return private_answer(await world.moderator.slash(world.channel, f"quota {command}", **options))


async def test_the_answer_says_what_is_and_what_was(world: World) -> None:
    lines = (await moderate(world, "set", videos=3)).splitlines()
    assert lines == [
        "✅ Everyone (server default): 3 videos per day. Effective now.",
        "Before: 5 videos per day (this bot's default).",
    ]
    lines = (await moderate(world, "set", seconds=1, per="hour")).splitlines()
    assert lines == [
        "✅ Everyone (server default): 1 second of video per hour. Effective now.",
        "Before: 3 videos per day.",
    ]
    told = await moderate(world, "set", member=world.member, videos=1)
    assert "Before: 1 second of video per hour (this server's rule)." in told
    role = world.guild.create_role("Film club")
    assert "Before: no rule for this role." in await moderate(world, "set", role=role, videos=1)
    assert "Before: 1 video per day." in await moderate(world, "set", role=role, videos=2)


@pytest.mark.settings(quota_videos=1)
@pytest.mark.parametrize("restart", [False, True])
async def test_unlimited_lifts_a_members_limit(restart: bool, world: World, cloud: GmiCloud) -> None:
    told = await moderate(world, "set", member=world.member, unlimited=True)
    assert f"✅ {world.member.mention}: unlimited videos. Effective now." in told
    assert f"{BOT_LIMIT}: 600 seconds of video per day." in told
    if restart:
        await world.restart()
    for _ in range(3):
        await until(world, await ask(world), READY)
    assert cloud.paid == 3
    shown = await moderate(world, "show", member=world.member)
    assert "**Rule:** unlimited videos (rule for" in shown
    assert "Next slot" not in shown


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"unlimited": True, "videos": 3}, "`unlimited` doesn't go with `videos` or `seconds`."),
        ({"unlimited": True, "seconds": 0}, "`unlimited` doesn't go with `videos` or `seconds`."),
        ({"unlimited": False}, "Set `videos`, `seconds` of video, or both."),
        ({"per": "week"}, "Set `videos`, `seconds` of video, or both."),
        ({"per": "week", "at_once": 1}, "Set `videos`, `seconds` of video, or both."),
        ({"at_once": 1}, "There's no rule to add `at_once` to yet."),
    ],
)
async def test_options_that_make_no_rule_are_refused(
    options: dict[str, object], told: str, world: World
) -> None:
    text = await moderate(world, "set", **options)
    assert text.startswith("❌")
    assert told in text
    assert world.bot.quota_service.rules(world.guild.id) == []


@pytest.mark.parametrize("restart", [False, True])
async def test_so_many_at_once_as_the_rule_says(restart: bool, world: World, cloud: GmiCloud) -> None:
    await moderate(world, "set", videos=9, at_once=1)
    if restart:
        await world.restart()
    cloud.outcome(Outcome(delay=60))
    first = await ask(world)
    text = private_answer(await ask(world))
    assert "You already have 1 video in progress, and the limit is 1 at a time." in text
    await until(world, first, READY)
    assert "- Everyone (server default): 9 videos per day, 1 at a time" in await moderate(world, "show")
    shown = await moderate(world, "show", member=world.member)
    assert "**Running:** 0 of 1 at a time" in shown


async def test_at_once_alone_keeps_the_amounts_and_amounts_keep_at_once(world: World) -> None:
    await moderate(world, "set", seconds=30, per="week")
    told = await moderate(world, "set", at_once=1)
    assert "30 seconds of video per week, 1 at a time. Effective now." in told
    assert "Before: 30 seconds of video per week." in told
    told = await moderate(world, "set", videos=4)
    assert "4 videos per day, 1 at a time. Effective now." in told
    assert "unlimited videos, 1 at a time." in await moderate(world, "set", unlimited=True)


@pytest.mark.settings(quota_running=2)
async def test_no_rule_allows_more_at_once_than_the_operator(world: World, cloud: GmiCloud) -> None:
    told = await moderate(world, "set", videos=1000, at_once=50)
    assert "1,000 videos per day, 50 at a time. Effective now." in told
    assert "⚠️ This bot's limit still applies: 2 videos at a time for each member." in told
    cloud.outcome(Outcome(delay=60))
    cloud.outcome(Outcome(delay=60))
    for _ in range(2):
        await ask(world)
    assert "the limit is 2 at a time" in private_answer(await ask(world))
    assert "still applies: 2 videos" not in await moderate(world, "set", at_once=2)


@pytest.mark.settings(budget_server_seconds=100, budget_seconds=1_000)
async def test_what_cuts_a_rule_is_named(world: World) -> None:
    await moderate(world, "budget", videos=10)
    fits = await moderate(world, "set", videos=10)
    assert "still applies" not in fits
    told = await moderate(world, "set", videos=11)
    assert "This server's budget still applies and can be reached first: 10 videos per day." in told
    assert "limit for each server" not in told
    told = await moderate(world, "set", seconds=101)
    assert (
        "limit for each server still applies and can be reached first: 100 seconds of video per day." in told
    )
    assert "limit for everyone" not in told
    told = await moderate(world, "set", unlimited=True)
    assert f"{BOT_LIMIT}: 1,000 seconds of video per day." in told
    assert "- Everyone (server default): unlimited videos" in await moderate(world, "show")


async def test_a_bot_needs_no_rule(world: World) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    told = await moderate(world, "set", member=robot, videos=3)
    assert f"❌ {robot.mention} is a bot. Bots can't make videos" in told
    assert world.bot.quota_service.rules(world.guild.id) == []


async def test_clearing_says_what_applies_now(world: World) -> None:
    role = world.guild.create_role("Film club")
    await moderate(world, "set", videos=2)
    await moderate(world, "set", role=role, videos=3)
    told = await moderate(world, "clear", role=role)
    assert f"Removed the rule for {role.mention}." in told
    assert "Members with this role now have: 2 videos per day (this server's rule)." in told
    told = await moderate(world, "clear")
    assert "Everyone without another rule now has: 5 videos per day (this bot's default)." in told


async def test_everyone_else_is_there_only_beside_others(world: World) -> None:
    assert "- Everyone (this bot's default): 5 videos per day" in await moderate(world, "show")
    await moderate(world, "set", videos=4)
    assert "- Everyone (server default): 4 videos per day" in await moderate(world, "show")
    await moderate(world, "set", member=world.member, videos=0)
    lines = (await moderate(world, "show")).splitlines()
    assert lines[-2:] == [
        f"- {world.member.mention}: no videos",
        "- Everyone else (server default): 4 videos per day",
    ]


async def test_a_reset_gives_the_quota_back_and_hides_nothing(world: World, cloud: GmiCloud) -> None:
    await until(world, await ask(world), READY)
    await world.env.advance_time(1)
    await moderate(world, "reset", member=world.member)
    for _ in range(2):
        assert "**Used:** 0 videos, 0 seconds" in await moderate(world, "show", member=world.member)
        assert f"1. {world.member.mention}: 1 video, 5 seconds" in await moderate(world, "usage")
        await world.restart()


async def test_a_rule_set_for_at_once_leaves_jobs_under_way_alone(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=30))
    cloud.outcome(Outcome(delay=30))
    asked = [await ask(world), await ask(world)]
    await moderate(world, "set", videos=9, at_once=1)
    for card in asked:
        await until(world, card, READY)
        assert READY in card_text(card)

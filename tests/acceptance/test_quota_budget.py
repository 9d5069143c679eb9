"""`/quota budget`, `pause` and `resume`: what all members of a server may make together."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from discord import app_commands
from simcord import InteractionResult, SetupError

from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import World
from tests.acceptance.member import ask, assert_nothing_spent, press, private_answer, submit, until

READY = "✅ Your video is ready"
NOTHING_SENT = "Nothing was sent, and this doesn't count towards your quota."
PAUSED = "A moderator has paused new videos in this server."
RESTARTS = pytest.mark.parametrize("restart", [False, True], ids=["", "restart"])


async def moderate(world: World, command: str, **options: object) -> str:
    """Run a /quota command as the moderator and return the private answer."""
    return private_answer(await world.moderator.slash(world.channel, f"quota {command}", **options))


async def finish(world: World, **options: object) -> InteractionResult:
    asked = await ask(world, **options)
    await until(world, asked, READY)
    return asked


async def ask_as_other(world: World, duration: int = 5) -> InteractionResult:
    return await world.other.slash(
        world.channel, "vidu", prompt="a lynx", duration=duration, image1=("a.png", picture())
    )


@RESTARTS
async def test_members_use_up_a_budget_together(restart: bool, world: World, cloud: GmiCloud) -> None:
    told = await moderate(world, "budget", videos=2)
    assert "✅ This server's budget for all members together: 2 videos per day. Effective now." in told
    assert "Before: no limit." in told
    await finish(world)
    await until(world, await ask_as_other(world), READY)
    if restart:
        await world.restart()
    assert "- This server's budget: 2 of 2 videos per day. There's room again <t:" in await moderate(
        world, "budget"
    )
    for asked in (await ask(world), await ask_as_other(world)):
        assert not asked.deferred
        text = private_answer(asked)
        assert "This server's budget is used up: 2 of 2 videos per day." in text
        assert NOTHING_SENT in text
    assert cloud.paid == 2
    [frees] = re.findall(r"There's room again <t:(\d+):R>", text)
    await world.env.advance_time(int(frees) - world.env.now().timestamp() + 1)
    await finish(world)


@RESTARTS
async def test_a_budget_of_seconds_leaves_room_for_a_shorter_video(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    await moderate(world, "budget", seconds=8, per="week")
    if restart:
        await world.restart()
    await finish(world, duration=6)
    text = private_answer(await ask_as_other(world, duration=3))
    assert "This server's budget is nearly used up: 6 of 8 seconds of video per week" in text
    assert "There are 2 seconds left for a shorter video." in text
    await until(world, await ask_as_other(world, duration=2), READY)
    assert cloud.paid == 2


async def test_a_budget_is_shown_changed_and_removed(world: World) -> None:
    shown = await moderate(world, "budget")
    assert shown.splitlines() == [
        "💰 **Budget of this server**",
        "This server has no budget of its own. To set one, add `videos` or `seconds` to the command.",
    ]
    assert "- This server's budget: no limit" in await moderate(world, "show")
    await moderate(world, "budget", videos=1_000, seconds=1, per="month")
    told = await moderate(world, "budget", seconds=30)
    assert "Before: 1,000 videos and 1 second of video per month." in told
    assert "- This server's budget: 0 of 30 seconds of video per day." in told
    assert "- This server's budget: 30 seconds of video per day" in await moderate(world, "show")
    told = await moderate(world, "budget", unlimited=True)
    assert "✅ Removed this server's budget. It was: 30 seconds of video per day." in told
    told = await moderate(world, "budget", unlimited=True)
    assert "This server has no budget of its own. Nothing has changed." in told
    await finish(world)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"per": "week"}, "Set `videos`, `seconds` of video, or both."),
        ({"unlimited": True, "videos": 1}, "`unlimited` doesn't go with `videos` or `seconds`."),
    ],
)
async def test_options_that_make_no_budget_are_refused(
    options: dict[str, object], told: str, world: World
) -> None:
    await moderate(world, "budget", videos=7)
    assert told in await moderate(world, "budget", **options)
    assert "- This server's budget: 7 videos per day" in await moderate(world, "show")


async def test_a_budget_of_nothing_blocks_until_a_moderator_changes_it(world: World, cloud: GmiCloud) -> None:
    await moderate(world, "budget", videos=0)
    asked = await ask(world)
    assert "This server's budget allows no videos. A moderator can change that." in private_answer(asked)
    assert_nothing_spent(world, cloud)
    await moderate(world, "budget", unlimited=True)
    await until(world, await submit(world.member, await press(world.member, asked, "Try again")), READY)


@pytest.mark.settings(budget_server_seconds=60, budget_seconds=100)
async def test_ceilings_of_the_operator_hold_and_are_named(world: World, cloud: GmiCloud) -> None:
    assert "still applies" not in await moderate(world, "budget", seconds=60)
    told = await moderate(world, "budget", seconds=80)
    assert "80 seconds of video per day. Effective now." in told
    assert (
        "limit for each server still applies and can be reached first: 60 seconds of video per day." in told
    )
    assert "limit for everyone" not in told
    told = await moderate(world, "budget", unlimited=True)
    assert "total limit still applies and can be reached first: 100 seconds of video per day." in told
    shown = await moderate(world, "show")
    assert "- This bot's limit for each server: 60 seconds of video per day" in shown
    # What other servers use is none of a moderator's business.
    for command in ("show", "usage", "budget"):
        assert "limit for everyone" not in await moderate(world, command)


@pytest.mark.settings(budget_server_seconds=60, price_per_second=Decimal("0.1"), currency="EUR")
async def test_usage_shows_what_budgets_have_left_and_what_it_costs(world: World) -> None:
    await moderate(world, "budget", videos=20)
    await finish(world, duration=7)
    lines = (await moderate(world, "usage")).splitlines()
    assert lines == [
        "📈 **Top users in the last day**",
        f"1. {world.member.mention}: 1 video, 7 seconds",
        "",
        "Together: 1 video, 7 seconds (about 0.70 EUR so far)",
        "",
        "**Used by all members together**",
        "- This server's budget: 1 of 20 videos per day (about 0.70 EUR so far).",
        "- This bot's limit for each server: 7 of 60 seconds of video per day (about 0.70 EUR so far).",
    ]


@RESTARTS
async def test_a_paused_server_starts_nothing_and_finishes_what_runs(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(Outcome(delay=60))
    running = await ask(world)
    told = await moderate(world, "pause")
    assert "⏸️ Paused. Nobody can start a new video in this server." in told
    if restart:
        await world.restart()
    assert "already paused in this server, so nothing has changed." in await moderate(world, "pause")
    assert "⏸️ **New videos are paused in this server.**" in await moderate(world, "show")
    assert "⏸️ **New videos are paused in this server.**" in await moderate(world, "show", member=world.member)
    refused = await ask_as_other(world)
    assert not refused.deferred
    text = private_answer(refused)
    assert PAUSED in text
    assert NOTHING_SENT in text
    await until(world, running, READY)
    assert cloud.paid == 1
    assert "▶️ Members can make videos in this server again." in await moderate(world, "resume")
    assert "aren't paused in this server, so nothing has changed." in await moderate(world, "resume")
    assert "paused" not in await moderate(world, "show")
    again = await submit(world.other, await press(world.other, refused, "Try again"))
    await until(world, again, READY)


async def test_a_pause_keeps_the_budget_and_concerns_one_server(world: World, cloud: GmiCloud) -> None:
    elsewhere = world.env.create_guild("Another server")
    channel = elsewhere.create_text_channel("films")
    there = elsewhere.add_member(world.member.user)
    await moderate(world, "budget", videos=9)
    await moderate(world, "pause")
    asked = await there.slash(channel, "vidu", prompt="x", image1=("a.png", picture()))
    await until(world, asked, READY)
    await moderate(world, "resume")
    assert "- This server's budget: 9 videos per day" in await moderate(world, "show")
    assert "0 of 9 videos per day" in await moderate(world, "usage")


async def test_a_form_that_was_open_when_the_server_was_paused_spends_nothing(
    world: World, cloud: GmiCloud
) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("a.png", picture()))
    await moderate(world, "pause")
    refused = await submit(world.member, opened, prompt="a fox")
    assert PAUSED in private_answer(refused)
    assert_nothing_spent(world, cloud)


@pytest.mark.settings(budget_direct_seconds=8)
@RESTARTS
async def test_direct_messages_have_a_ceiling_for_everybody_together(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    asked = await world.member.user.slash("vidu", prompt="x", duration=5, image1=("a.png", picture()))
    await until(world, asked, READY)
    if restart:
        await world.restart()
    text = private_answer(
        await world.other.user.slash("vidu", prompt="x", duration=4, image1=("a.png", picture()))
    )
    assert "This bot's limit for direct messages is nearly used up: 5 of 8 seconds of video per day" in text
    assert "There are 3 seconds left for a shorter video." in text
    assert NOTHING_SENT in text
    assert cloud.paid == 1
    await finish(world)  # a server has nothing to do with it


COMMANDS: list[tuple[str, dict[str, object]]] = [
    ("set", {"unlimited": True}),
    ("set", {"at_once": 9}),
    ("clear", {}),
    ("reset", {"member": True}),
    ("show", {}),
    ("usage", {}),
    ("budget", {}),
    ("budget", {"unlimited": True}),
    ("pause", {}),
    ("resume", {}),
]


@pytest.mark.command_errors(types=[app_commands.MissingPermissions])
@pytest.mark.parametrize(("command", "options"), COMMANDS)
async def test_a_stranger_changes_and_learns_nothing(
    command: str, options: dict[str, object], world: World
) -> None:
    await moderate(world, "budget", videos=7)
    await moderate(world, "set", videos=3)
    given = {name: world.member if name == "member" else value for name, value in options.items()}
    with pytest.raises(SetupError, match="default-member-permissions"):
        await world.member.slash(world.channel, f"quota {command}", **given)
    # A server's settings can show a command to anyone: the permission is checked in code as well.
    [quota] = [found for found in await world.bot.tree.fetch_commands() if found.name == "quota"]
    world.guild.set_command_permissions(quota, {world.member: True})
    asked = await world.member.slash(world.channel, f"quota {command}", **given)
    assert private_answer(asked) == "🔒 You need the Timeout Members permission to use this command."
    shown = await moderate(world, "show")
    assert "- This server's budget: 7 videos per day" in shown
    assert "- Everyone (server default): 3 videos per day" in shown
    assert "paused" not in shown

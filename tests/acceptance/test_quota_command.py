"""Quotas as moderators set them and members meet them."""

from __future__ import annotations

import re

import pytest
from discord import app_commands
from simcord import InteractionResult, MemberActor, RoleHandle, SetupError

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import World, texts
from tests.acceptance.member import ask, card_text, press, private_answer, until

READY = "✅ Your video is ready"


async def moderate(world: World, command: str, **options: object) -> str:
    """Run a /quota command as the moderator and return the private answer."""
    return private_answer(await world.moderator.slash(world.channel, f"quota {command}", **options))


async def finish(world: World, **options: object) -> InteractionResult:
    asked = await ask(world, **options)
    await until(world, asked, READY)
    return asked


@pytest.mark.settings(quota_videos=2)
async def test_the_operators_default_holds_and_the_refusal_says_when(world: World, cloud: GmiCloud) -> None:
    for _ in range(2):
        await finish(world)
    text = private_answer(await ask(world))
    assert "You've used 2 of 2 videos per day (this bot's default)." in text
    [frees] = re.findall(r"You can make another <t:(\d+):R>", text)
    assert cloud.paid == 2
    await world.env.advance_time(int(frees) - world.env.now().timestamp() + 1)
    await finish(world)


async def test_a_refused_request_is_refused_before_its_files_are_read(world: World) -> None:
    await moderate(world, "set", videos=0)
    asked = await ask(world)
    assert not asked.deferred
    assert "You can't make videos here (this server's rule)" in private_answer(asked)


async def test_member_before_best_role_before_server_before_operator(world: World) -> None:
    member = world.member
    role = world.guild.create_role("Film club")
    better = world.guild.create_role("Directors")
    await moderate(world, "set", videos=3)
    assert "3 videos per day (this server's rule)" in await moderate(world, "show", member=member)
    member = await with_roles(world, role, better)
    await moderate(world, "set", role=role, videos=1, per="hour")
    await moderate(world, "set", role=better, videos=2)
    assert f"1 video per hour (rule for the role {role.mention})" in await moderate(
        world, "show", member=member
    )
    await moderate(world, "set", member=member, seconds=20, per="week")
    shown = await moderate(world, "show", member=member)
    assert f"20 seconds of video per week (rule for {member.mention})" in shown
    cleared = await moderate(world, "clear", member=member)
    assert f"Now {member.mention} has: 1 video per hour" in cleared


async def with_roles(world: World, *roles: RoleHandle) -> MemberActor:
    guild = world.env.backend.get_guild(world.guild.id)
    guild.members[world.member.id].role_ids.extend(role.id for role in roles)
    return world.member


async def test_seconds_count_and_a_shorter_video_still_fits(world: World) -> None:
    await moderate(world, "set", seconds=12)
    await finish(world, duration=8)
    text = private_answer(await ask(world, duration=5))
    assert (
        "You've used 8 of 12 seconds of video per day (this server's rule), and this video needs 5 seconds."
        in text
    )
    await finish(world, duration=4)


async def test_a_video_longer_than_the_whole_quota_is_told_so(world: World) -> None:
    await moderate(world, "set", seconds=4)
    assert "The longest video that fits is 4 seconds." in private_answer(await ask(world, duration=5))


@pytest.mark.settings(quota_running=1)
async def test_so_many_at_once_and_no_more(world: World, cloud: GmiCloud) -> None:
    first = await ask(world)
    text = private_answer(await ask(world))
    assert "You already have 1 video in progress, and the limit is 1 at a time." in text
    await until(world, first, READY)
    await finish(world)
    assert cloud.paid == 2


async def test_a_failure_gives_back_and_a_success_does_not(world: World, cloud: GmiCloud) -> None:
    await moderate(world, "set", videos=1)
    cloud.outcome(script.failed(None))
    await until(world, await ask(world), "❌ Couldn't make the video")
    await finish(world)
    assert "You've used 1 of 1 video" in private_answer(await ask(world))


async def test_reset_forgets_what_was_used(world: World) -> None:
    await moderate(world, "set", videos=1)
    await finish(world)
    assert "usage reset" in await moderate(world, "reset", member=world.member)
    await world.env.advance_time(1)
    await finish(world)


async def test_rules_uses_and_resets_survive_a_restart(world: World) -> None:
    await moderate(world, "set", videos=2)
    await finish(world)
    await finish(world)
    await moderate(world, "reset", member=world.member)
    await world.env.advance_time(60)
    await finish(world)
    before = await moderate(world, "show", member=world.member)
    await world.restart()
    assert await moderate(world, "show", member=world.member) == before
    assert "**Used:** 1 video, 5 seconds" in before
    assert "- Everyone (server default): 2 videos per day" in await moderate(world, "show")


async def test_a_role_of_its_own_and_all_rules_in_one_list(world: World) -> None:
    role = world.guild.create_role("Film club")
    await moderate(world, "set", role=role, videos=3, seconds=30, per="month")
    text = await moderate(world, "show")
    assert f"- {role.mention}: 3 videos and 30 seconds of video per month" in text
    assert "- Everyone else (this bot's default): 5 videos per day" in text


async def test_usage_names_who_used_most(world: World) -> None:
    assert "Nobody has made a video in the last day." in await moderate(world, "usage")
    await finish(world, duration=3)
    other = await world.other.slash(
        world.channel, "vidu", prompt="x", duration=9, image1=("a.png", picture())
    )
    await until(world, other, READY)
    lines = (await moderate(world, "usage")).splitlines()
    assert lines[1] == f"1. {world.other.mention}: 1 video, 9 seconds"
    assert lines[2] == f"2. {world.member.mention}: 1 video, 3 seconds"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "Set `videos`"),
        ({"member": True, "role": True, "videos": 1}, "Choose a `member` or a `role`, not both"),
    ],
)
async def test_what_cannot_be_set_is_told(options: dict[str, object], told: str, world: World) -> None:
    if "role" in options:
        options = options | {"member": world.member, "role": world.guild.create_role("Film club")}
    assert told in await moderate(world, "set", **options)
    assert "- Everyone (this bot's default): 5 videos per day" in await moderate(world, "show")


async def test_clearing_nothing_is_told(world: World) -> None:
    told = await moderate(world, "clear", member=world.member)
    assert f"{world.member.mention} has no rule of their own. Nothing has changed." in told
    role = world.guild.create_role("Film club")
    told = await moderate(world, "clear", role=role)
    assert f"There's no rule for {role.mention}. Nothing has changed." in told
    assert "This server has no default rule. Nothing has changed." in await moderate(world, "clear")


async def test_members_do_not_see_the_command(world: World) -> None:
    with pytest.raises(SetupError, match="default-member-permissions"):
        await world.member.slash(world.channel, "quota show")


@pytest.mark.command_errors(types=[app_commands.MissingPermissions])
async def test_a_member_to_whom_the_server_shows_it_is_refused_all_the_same(world: World) -> None:
    [command] = [each for each in await world.bot.tree.fetch_commands() if each.name == "quota"]
    world.guild.set_command_permissions(command, {world.member: True})
    asked = await world.member.slash(world.channel, "quota set", videos=99)
    assert "You need the Timeout Members permission" in private_answer(asked)
    assert world.bot.quota_service.rules(world.guild.id) == []


async def test_videos_shows_my_jobs_with_links_and_what_is_left(world: World) -> None:
    asked = await finish(world)
    mine = await world.member.slash(world.channel, "videos")
    assert mine.ephemeral
    text = "\n".join(texts(mine.response))
    assert "✅ Your video is ready" in text
    assert asked.response is not None
    assert (
        f"[View](https://discord.com/channels/{world.guild.id}/{world.channel.id}/{asked.response.id})"
        in text
    )
    assert "a fox in the snow" in text
    assert "**Left:** 4 videos" in text
    assert "**Next slot:** <t:" in text
    others = await world.other.slash(world.channel, "videos")
    assert "None yet." in "\n".join(texts(others.response))


async def test_a_rule_set_while_a_job_runs_counts_for_the_next_one(world: World) -> None:
    asked = await ask(world)
    await moderate(world, "set", member=world.member, videos=0)
    await until(world, asked, READY)
    assert "You can't make videos here" in private_answer(await ask(world))


async def test_quotas_of_somebody_who_left_can_be_shown_and_changed(world: World, cloud: GmiCloud) -> None:
    await moderate(world, "set", videos=2)
    await finish(world, duration=3)
    gone = world.member.user
    del world.env.backend.get_guild(world.guild.id).members[gone.id]

    shown = await moderate(world, "show", member=gone)
    assert f"**Quota of** {gone.mention} (not in this server now)" in shown
    assert "**Used:** 1 video, 3 seconds" in shown
    told = await moderate(world, "set", member=gone, videos=0)
    assert f"✅ {gone.mention} (not in this server now): no videos" in told
    assert "no videos (rule for" in await moderate(world, "show", member=gone)
    told = await moderate(world, "clear", member=gone)
    assert f"Now {gone.mention} has: 2 videos per day" in told
    assert f"{gone.mention}: usage reset" in await moderate(world, "reset", member=gone)
    assert "**Used:** 0 videos" in await moderate(world, "show", member=gone)

    await moderate(world, "set", member=gone, videos=0)
    world.member = world.guild.add_member(gone)
    assert "You can't make videos here" in private_answer(await ask(world))
    assert cloud.paid == 1


ATTEMPTS = pytest.mark.settings(quota_attempts_per_hour=3, quota_running=9)


def posts(cloud: GmiCloud) -> int:
    return len([seen for seen in cloud.requests_seen if seen.method == "POST"])


@ATTEMPTS
@pytest.mark.parametrize("restart", [False, True])
async def test_failing_requests_are_no_free_hammer(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.POLICY)
    await until(world, await ask(world), "❌ Not accepted")
    cloud.outcome(script.failed("TaskTimeout"))
    await until(world, await ask(world), "❌ Couldn't make the video")
    cloud.outcome(Outcome(delay=60))
    await press(world.member, await ask(world), "Cancel")
    if restart:
        await world.restart()
    sent = posts(cloud)
    asked = await ask(world)
    assert not asked.deferred
    text = private_answer(asked)
    assert "3 of your requests in the last hour ended without a video. The limit is 3 per hour." in text
    [frees] = re.findall(r"You can make another <t:(\d+):R>", text)
    assert posts(cloud) == sent == 3
    assert "**Ended without a video:** 3 of 3 in the last hour" in await moderate(
        world, "show", member=world.member
    )
    # It is a limit of this member alone.
    other = await world.other.slash(world.channel, "vidu", prompt="x", image1=("a.png", picture()))
    await until(world, other, READY)
    await world.env.advance_time(int(frees) - world.env.now().timestamp() + 1)
    await finish(world)


@ATTEMPTS
async def test_only_so_many_of_sixty_failing_requests_reach_gmi(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.POLICY.repeated(None))
    for _ in range(20):
        await ask(world)
    assert posts(cloud) == 3


@pytest.mark.settings(quota_attempts_per_hour=None)
async def test_an_operator_can_lift_the_limit_of_failures(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.POLICY.repeated(None))
    for _ in range(25):
        await ask(world)
    assert posts(cloud) == 25


@pytest.mark.settings(quota_attempts_per_hour=1, job_deadline_minutes=5)
@pytest.mark.parametrize("fault", [script.rate_limited(60000), script.CAPACITY])
@pytest.mark.parametrize("restart", [False, True])
async def test_what_gmi_did_not_take_in_counts_for_nothing(
    restart: bool, fault: script.Fault, world: World, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", fault.repeated(None))
    given_up = await ask(world)
    await world.env.advance_time(330)
    assert "so I stopped trying" in card_text(given_up)
    await press(world.member, await ask(world), "Cancel")
    if restart:
        await world.restart()
    assert posts(cloud) >= 3
    asked = await ask(world)
    assert "⏳ Waiting for the provider" in card_text(asked)


@pytest.mark.settings(quota_attempts_per_hour=1)
async def test_a_wait_that_ends_in_a_failure_counts_once(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.rate_limited(5000).repeated(3))
    cloud.outcome(script.failed(None))
    await until(world, await ask(world), "❌ Couldn't make the video")
    shown = await moderate(world, "show", member=world.member)
    assert "**Ended without a video:** 1 of 1 in the last hour" in shown


@ATTEMPTS
async def test_a_reset_forgets_failed_requests_too(world: World, cloud: GmiCloud) -> None:
    cloud.fault("POST", "/requests", script.POLICY.repeated(3))
    for _ in range(3):
        await ask(world)
    assert "ended without a video" in private_answer(await ask(world))
    await world.env.advance_time(1)
    assert "This includes failed requests." in await moderate(world, "reset", member=world.member)
    await world.env.advance_time(1)
    await world.restart()
    await finish(world)


@pytest.mark.settings(quota_attempts_per_hour=1, job_deadline_minutes=1)
async def test_a_late_video_is_no_failure_after_all(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(delay=300))
    asked = await ask(world)
    await world.env.advance_time(70)
    assert "ended without a video" in private_answer(await ask(world))
    await until(world, asked, READY, seconds=600)
    await finish(world)


@pytest.mark.settings(quota_videos=1, quota_attempts_per_hour=1)
async def test_show_in_another_server_leaves_the_use_where_it_was_made(world: World, cloud: GmiCloud) -> None:
    elsewhere = world.env.create_guild("Another server")
    channel = elsewhere.create_text_channel("films")
    there = elsewhere.add_member(world.member.user)
    cloud.outcome(Outcome(delay=300))
    await ask(world, private=True)
    shown = await there.slash(channel, "videos")
    assert "Waiting in line" in card_text(await press(there, shown, "Show"))
    for _ in range(2):
        assert "1 video, 5 seconds" in await used_by(world)
        theirs = "\n".join(texts((await there.slash(channel, "videos")).response))
        assert "**Used:** 0 videos, 0 seconds" in theirs
        await world.restart()
    await world.env.advance_time(600)
    assert "You've used 1 of 1 video" in private_answer(await ask(world))
    again = await there.slash(channel, "vidu", prompt="x", image1=("a.png", picture()))
    await until(world, again, READY)


@pytest.mark.settings(quota_attempts_per_hour=1)
async def test_a_failure_counts_where_it_was_asked_for_wherever_it_is_shown(
    world: World, cloud: GmiCloud
) -> None:
    elsewhere = world.env.create_guild("Another server")
    channel = elsewhere.create_text_channel("films")
    there = elsewhere.add_member(world.member.user)
    cloud.outcome(Outcome("failed", delay=300))
    await ask(world, private=True)
    await press(there, await there.slash(channel, "videos"), "Show")
    await world.env.advance_time(400)
    await world.restart()
    assert "ended without a video" in private_answer(await ask(world))
    again = await there.slash(channel, "vidu", prompt="x", image1=("a.png", picture()))
    await until(world, again, READY)


async def used_by(world: World) -> str:
    mine = await world.member.slash(world.channel, "videos")
    return "\n".join(texts(mine.response))

"""`/moderation block`, `unblock` and `blocked`: who may make no videos in a server."""

from __future__ import annotations

import re

import pytest
from discord import app_commands
from simcord import SetupError

from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World, texts
from tests.acceptance.member import ask, assert_nothing_spent, press, private_answer, submit, until

READY = "✅ Your video is ready"
BLOCKED = "A moderator has blocked you from making videos in this server."
NOTHING_SENT = "Nothing was sent, and this doesn't count towards your quota."


async def moderate(world: World, command: str, **options: object) -> str:
    """Run a /moderation command as the moderator and return the private answer."""
    return private_answer(await world.moderator.slash(world.channel, f"moderation {command}", **options))


async def test_a_blocked_member_reads_why_and_until_when_over_a_restart(
    world: World, cloud: GmiCloud
) -> None:
    told = await moderate(world, "block", member=world.member, reason="Spam, *again*", duration=24)
    assert f"{world.member.mention} can't make videos in this server until <t:" in told
    assert r"They'll read this reason: Spam, \*again\*" in told
    for restart in (False, True):
        if restart:
            await world.restart()
        asked = await ask(world)
        assert not asked.deferred
        text = private_answer(asked)
        assert f"{BLOCKED} The block ends <t:" in text
        assert r"**Reason:** Spam, \*again\*" in text
        assert NOTHING_SENT in text
    assert_nothing_spent(world, cloud)
    [ends] = re.findall(r"The block ends <t:(\d+):R>", text)
    await world.env.advance_time(int(ends) - world.env.now().timestamp() + 1)
    await until(world, await ask(world), READY)
    assert "Nobody is blocked" in await moderate(world, "blocked")


async def test_every_way_to_a_video_is_closed(world: World, cloud: GmiCloud) -> None:
    own = await ask(world)
    await until(world, own, READY)
    opened = await world.member.slash(world.channel, "vidu", image1=("a.png", picture()))
    anothers = await world.other.slash(world.channel, "vidu", prompt="a lynx", image1=("a.png", picture()))
    await until(world, anothers, READY)
    assert anothers.response is not None
    await moderate(world, "block", member=world.member)
    refused = [
        await press(world.member, own, "Again"),
        await press(world.member, own, "Edit"),
        await press(world.member, anothers, "Again"),
        await submit(world.member, opened, prompt="a fox"),
        await world.member.slash(world.channel, "vidu"),
        await world.member.context_menu(world.channel, "Make a video from this", anothers.response),
    ]
    for asked in refused:
        assert asked.modal is None
        text = "\n".join(texts(asked.followups[0] if asked.followups else asked.response))
        assert BLOCKED in text
        assert "ask a moderator of this server" in text
    assert cloud.paid == 2
    # What was made stays theirs.
    listed = await world.member.slash(world.channel, "videos")
    assert "a fox in the snow" in private_answer(listed)


async def test_a_block_concerns_one_server_and_ends_with_unblock(world: World) -> None:
    elsewhere = world.env.create_guild("Another server")
    channel = elsewhere.create_text_channel("films")
    there = elsewhere.add_member(world.member.user)
    await moderate(world, "block", member=world.member, reason="Spam")
    asked = await there.slash(channel, "vidu", prompt="x", image1=("a.png", picture()))
    await until(world, asked, READY)
    shorter = await moderate(world, "block", member=world.member, duration=1)
    assert "Before: blocked until a moderator unblocks them." in shorter
    assert "isn't blocked anymore" in await moderate(world, "unblock", member=world.member)
    assert "isn't blocked. Nothing has changed." in await moderate(world, "unblock", member=world.member)
    await world.restart()
    await until(world, await ask(world), READY)


async def test_the_list_turns_its_pages_for_moderators_only(world: World) -> None:
    people = [world.guild.add_member(world.env.create_user(f"guest{number}")) for number in range(11)]
    for person in people:
        await moderate(world, "block", member=person, reason="a reason " * 30)
    listed = await world.moderator.slash(world.channel, "moderation blocked")
    assert "page 1 of 2" in private_answer(listed)
    assert people[10].mention in private_answer(listed)
    assert people[0].mention not in private_answer(listed)
    await world.restart()
    assert listed.response is not None
    await world.moderator.click(listed.response, label="Older")
    text = "\n".join(texts(listed.response))
    assert "page 2 of 2" in text
    assert people[0].mention in text
    assert f"by {world.moderator.mention}" in text


async def test_a_bot_is_not_blocked(world: World) -> None:
    robot = world.guild.add_member(world.env.create_user("robot", bot=True))
    assert "is a bot, and bots can't make videos." in await moderate(world, "block", member=robot)
    assert "Nobody is blocked" in await moderate(world, "blocked")


@pytest.mark.command_errors(types=[app_commands.MissingPermissions])
@pytest.mark.parametrize("command", ["block", "unblock", "blocked"])
async def test_a_stranger_changes_and_learns_nothing(command: str, world: World, cloud: GmiCloud) -> None:
    await moderate(world, "block", member=world.other)
    given = {} if command == "blocked" else {"member": world.other}
    with pytest.raises(SetupError, match="default-member-permissions"):
        await world.member.slash(world.channel, f"moderation {command}", **given)
    # A server's settings can show a command to anyone: the permission is checked in code as well.
    [group] = [found for found in await world.bot.tree.fetch_commands() if found.name == "moderation"]
    world.guild.set_command_permissions(group, {world.member: True})
    asked = await world.member.slash(world.channel, f"moderation {command}", **given)
    assert private_answer(asked) == "🔒 You need the Timeout Members permission to use this command."
    assert world.other.mention in await moderate(world, "blocked")
    assert cloud.paid == 0

"""`/vidu-check`: what a moderator reads about the permissions that the bot has in a channel."""

from __future__ import annotations

import discord
import pytest
from simcord import ChannelHandle, MemberActor

from fakes.world import World
from tests.acceptance.member import private_answer

ALL_WELL = "✅ I have every permission I need in this channel."
ELSEWHERE = frozenset({123456789012345678})  # the only server that is allowed, and not the tests' own


@pytest.fixture
def manager(world: World) -> MemberActor:
    """Return somebody who may manage the server."""
    role = world.guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    return world.guild.add_member(world.env.create_user("lee"), roles=[role])


def channel_without(world: World, **denied: bool) -> ChannelHandle:
    """Make a channel in which the bot may do everything but this."""
    assert world.bot.user is not None
    allowed = dict.fromkeys(
        ("view_channel", "send_messages", "attach_files", "read_message_history", "embed_links"), True
    )
    overwrite = discord.PermissionOverwrite(**(allowed | denied))
    return world.guild.create_text_channel("check", overwrites={world.bot.user: overwrite})


async def check(who: MemberActor, channel: ChannelHandle) -> str:
    return private_answer(await who.slash(channel, "vidu-check"))


async def test_all_is_well_where_nothing_is_missing(world: World, manager: MemberActor) -> None:
    assert await check(manager, channel_without(world)) == ALL_WELL


async def test_what_is_missing_is_listed_with_what_does_not_work(world: World, manager: MemberActor) -> None:
    text = await check(manager, channel_without(world, attach_files=False, read_message_history=False))
    assert text.splitlines() == [
        "⚠️ I'm missing 2 permissions in this channel:",
        "- **Attach Files**: I can't post a video here that takes over 15 minutes. Members get it as a DM "
        "instead.",
        "- **Read Message History**: I can't mention members when their video is ready, show pictures in "
        "`/videos`, or take the files of a card for **Again**.",
        "To fix it, open this channel's settings, choose **Permissions**, and allow my role to do it.",
    ]


async def test_nobody_is_bothered_with_a_permission_that_the_bot_does_not_need(
    world: World, manager: MemberActor
) -> None:
    assert await check(manager, channel_without(world, embed_links=False)) == ALL_WELL


async def test_one_that_is_missing_is_one(world: World, manager: MemberActor) -> None:
    first, second, _ = (await check(manager, channel_without(world, send_messages=False))).splitlines()
    assert first == "⚠️ I'm missing 1 permission in this channel:"
    assert second.startswith("- **Send Messages**: I can't mention members")


async def test_in_a_thread_the_permission_for_threads_counts(world: World, manager: MemberActor) -> None:
    channel = channel_without(world, send_messages=False, send_messages_in_threads=True)
    await thread_in(world, channel)
    assert await check(manager, channel.threads[0]) == ALL_WELL

    channel = channel_without(world, send_messages_in_threads=False)
    await thread_in(world, channel)
    text = await check(manager, channel.threads[0])
    assert "- **Send Messages in Threads**:" in text
    assert "**Send Messages**" not in text


async def thread_in(world: World, channel: ChannelHandle) -> None:
    found = world.bot.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    await found.create_thread(name="a thread", type=discord.ChannelType.public_thread)
    await world.env.settle()


async def test_a_server_that_is_not_allowed_is_told_so(world: World) -> None:
    await world.restart(allowed_servers=ELSEWHERE)
    role = world.guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    manager = world.guild.add_member(world.env.create_user("lee"), roles=[role])
    text = await check(manager, channel_without(world))
    assert text.splitlines() == [
        "🔒 The people who run this bot don't allow it in this server, so nobody can make videos here. "
        "Ask them to add the server.",
        ALL_WELL,
    ]


@pytest.mark.command_errors(types=[discord.app_commands.MissingPermissions])
async def test_a_member_is_refused_with_the_permission_that_it_takes(world: World) -> None:
    # A server's settings can show a command to anyone: the permission is checked in code as well.
    [command] = [found for found in await world.bot.tree.fetch_commands() if found.name == "vidu-check"]
    world.guild.set_command_permissions(command, {world.member: True})
    text = await check(world.member, world.channel)
    assert text == "🔒 You need the Manage Server permission to use this command."

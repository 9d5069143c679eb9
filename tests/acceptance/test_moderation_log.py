"""`/moderation log`: one channel where moderators see requests, refusals and changes of rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import discord
import pytest
from discord import app_commands
from simcord import ChannelHandle, MemberActor, SetupError

from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from fakes.media import picture
from fakes.world import World, texts
from tests.acceptance.member import ask, delete, press, private_answer, until
from tests.acceptance.test_moderation_filter import manager_of

READY = "✅ Your video is ready"
BATCH = 4  # seconds after which a batch is written


@pytest.fixture
def manager(world: World) -> MemberActor:
    return manager_of(world)


@pytest.fixture
def log(world: World, manager: MemberActor) -> ChannelHandle:
    """Return a channel that only moderators, managers and the bot can see."""
    seen = discord.PermissionOverwrite(view_channel=True, send_messages=True)
    hidden = discord.PermissionOverwrite(view_channel=False)
    people: dict[Any, discord.PermissionOverwrite] = dict.fromkeys(
        [manager, world.moderator, world.guild.me], seen
    )
    return world.guild.create_text_channel("mod-log", overwrites={world.guild.default_role: hidden, **people})


async def run(world: World, who: MemberActor, command: str, **options: object) -> str:
    """Run a command and return the private answer."""
    return private_answer(await who.slash(world.channel, command, **options))


def messages(world: World, channel: ChannelHandle) -> list[Any]:
    return list(world.env.backend.messages[channel.id].values())


async def logged(world: World, channel: ChannelHandle) -> list[str]:
    """Return what each message of the log says, once the batch is written."""
    await world.env.advance_time(BATCH)
    return ["\n".join(texts(message)) for message in messages(world, channel)]


@pytest.mark.settings(price_per_second=Decimal("0.1"), currency="EUR")
@pytest.mark.parametrize("restart", [False, True], ids=["", "restart"])
async def test_a_request_is_logged_once_and_its_entry_says_how_it_ended(
    restart: bool, world: World, cloud: GmiCloud, manager: MemberActor, log: ChannelHandle
) -> None:
    told = await run(world, manager, "moderation log channel", channel=log)
    assert f"✅ The log of this bot goes to {log.mention} now." in told
    assert "Everyone in this server" not in told
    cloud.outcome(Outcome(delay=60))
    asked = await ask(world, prompt="a *fox*")
    _, _, entry = await logged(world, log)
    assert f"⏳ In progress · {world.member.mention} · 5 seconds, about 0.50 EUR\n> a \\*fox\\*" in entry
    assert "Reference: fox" in entry
    assert f"[View](https://discord.com/channels/{world.guild.id}/{world.channel.id}/" in entry
    if restart:
        await world.restart()
    await until(world, asked, READY)
    _, _, entry = await logged(world, log)
    assert entry.startswith(f"✅ Ready · {world.member.mention} · 5 seconds, about 0.50 EUR")
    sent = [entry for entry in world.env.http_requests if entry.path == f"/channels/{log.id}/messages"]
    assert sent
    for request in sent:
        assert request.json is not None
        assert request.json["allowed_mentions"]["parse"] == []  # nobody is pinged


async def test_what_is_deleted_leaves_the_log_too(
    world: World, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    asked = await ask(world, prompt="a secret fox")
    await until(world, asked, READY)
    assert "a secret fox" in (await logged(world, log))[-1]
    await delete(world.member, asked)
    await world.restart()  # before the batch was written
    entry = (await logged(world, log))[-1]
    assert entry == f"🗑️ {world.member.mention} · deleted · 5 seconds"


async def test_what_a_member_erases_leaves_the_log_too(
    world: World, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    asked = await ask(world, prompt="a secret fox")
    await until(world, asked, READY)
    assert "a secret fox" in (await logged(world, log))[-1]
    await press(world.member, await world.member.slash(world.channel, "privacy erase"), "Erase")
    await world.env.advance_time(60)
    entry = (await logged(world, log))[-1]
    assert entry == f"🗑️ {world.member.mention} · deleted · 5 seconds"


async def test_a_private_request_shows_who_and_how_much(
    world: World, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    await run(world, manager, "moderation filter add", word="lynx")
    await ask(world, prompt="a secret fox", private=True)
    await ask(world, prompt="a secret lynx", private=True)
    said = await logged(world, log)
    assert f"🔒 {world.member.mention} · private · 5 seconds" in said
    assert "secret" not in "".join(said)
    assert f"🧹 {world.member.mention} · prompt refused: the word **lynx**" in "".join(said)


@pytest.mark.settings(quota_running=20, quota_videos=50)
async def test_a_burst_becomes_few_messages(
    world: World, cloud: GmiCloud, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    await logged(world, log)
    cloud.outcome(Outcome(delay=90), 9)
    for number in range(9):
        await ask(world, prompt=f"fox {number}")
    for _batch in range(3):
        said = await logged(world, log)
    assert len(said) == 4
    assert "".join(said).count("⏳ In progress") == 9
    await world.env.advance_time(200)
    said = await logged(world, log)
    assert len(said) == 4
    assert "".join(said).count("✅ Ready") == 9


@pytest.mark.settings(budget_server_seconds=5)
async def test_changes_hits_and_warnings_are_logged(
    world: World, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    who = world.moderator
    await run(world, who, "quota set", member=world.member, videos=3)
    await run(world, who, "quota set", member=world.member, videos=4)
    await run(world, who, "quota clear", member=world.member)
    await run(world, who, "quota reset", member=world.member)
    await run(world, who, "quota budget", videos=9)
    await run(world, who, "quota pause")
    await run(world, who, "quota pause")
    await run(world, who, "quota resume")
    await run(world, who, "moderation block", member=world.other, reason="Spam")
    await run(world, who, "moderation unblock", member=world.other)
    await run(world, manager, "moderation filter add", word="lynx")
    await ask(world, prompt="a lynx")
    await ask(world, prompt="a fox")
    for _batch in range(4):
        said = "\n\n".join(await logged(world, log))
    changed = f"⚙️ {who.mention} changed"
    of_member = f"({world.member.mention})"
    for line in (
        f"{changed} Quota {of_member}: nothing → 3 videos per day",
        f"{changed} Quota {of_member}: 3 videos per day → 4 videos per day",
        f"{changed} Quota {of_member}: 4 videos per day → nothing",
        f"⚙️ {who.mention} reset Used quota {of_member}",
        f"{changed} Budget of this server: nothing → 9 videos per day",
        f"{changed} Pause: not paused → paused",
        f"{changed} Pause: paused → not paused",
        f"{changed} Block ({world.other.mention}): nothing → blocked until a moderator unblocks them",
        f"⚙️ {manager.mention} changed Filter: nothing → the word **lynx**",
        f"🧹 {world.member.mention} · prompt refused: the word **lynx**\n> a lynx",
        "⚠️ This server reached a limit.",
    ):
        assert said.count(line) == 1, line
    await world.restart()
    listed = await run(world, manager, "moderation log changes")
    assert "**Changes of this server's rules**" in listed
    assert f"{changed} Quota {of_member}: nothing → 3 videos per day" in listed
    assert listed.index("the word **lynx**") < listed.index("nothing → 3 videos per day")


async def test_a_log_that_everyone_can_read_is_warned_of(world: World, manager: MemberActor) -> None:
    told = await run(world, manager, "moderation log channel", channel=world.channel)
    assert "Everyone in this server can read that channel" in told
    assert "goes to" in await run(world, manager, "moderation log channel")
    assert "The log is off." in await run(world, manager, "moderation log channel", off=True)
    assert "has no log channel" in await run(world, manager, "moderation log channel")


async def test_where_the_log_cannot_be_written_the_next_moderator_is_told(
    world: World, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    await world.env.advance_time(BATCH)
    world.env.inject_error("POST", f"/channels/{log.id}/messages", status=403, code=50001, times=None)
    refused = await run(world, manager, "moderation log channel", channel=log)
    assert f"I can't write in {log.mention}, so nothing has changed." in refused
    asked = await ask(world)
    await until(world, asked, READY)
    await world.env.advance_time(BATCH)
    await world.restart()
    for who, command in ((world.moderator, "quota show"), (world.moderator, "moderation blocked")):
        assert f"⚠️ I couldn't write the log in {log.mention}." in await run(world, who, command)
    world.env.backend.faults.clear()
    await run(world, world.moderator, "moderation block", member=world.other)
    await world.env.advance_time(BATCH)
    assert "couldn't write" not in await run(world, world.moderator, "moderation blocked")


async def test_trouble_of_discord_loses_nothing(
    world: World, manager: MemberActor, log: ChannelHandle
) -> None:
    await run(world, manager, "moderation log channel", channel=log)
    await world.env.advance_time(BATCH)
    world.env.inject_error("POST", f"/channels/{log.id}/messages", status=503)
    await run(world, world.moderator, "moderation block", member=world.other)
    assert len(await logged(world, log)) == 2
    await world.env.advance_time(100)
    assert "changed Block" in (await logged(world, log))[-1]


async def test_another_server_has_its_own_log(world: World, manager: MemberActor, log: ChannelHandle) -> None:
    elsewhere = world.env.create_guild("Another server")
    channel = elsewhere.create_text_channel("films")
    there = elsewhere.add_member(world.member.user)
    await run(world, manager, "moderation log channel", channel=log)
    before = await logged(world, log)
    asked = await there.slash(channel, "vidu", prompt="x", image1=("a.png", picture()))
    await until(world, asked, READY)
    assert await logged(world, log) == before


@pytest.mark.command_errors(types=[app_commands.MissingPermissions, app_commands.MissingPermissions])
@pytest.mark.parametrize("command", ["channel", "changes"])
async def test_only_managers_choose_the_log_or_read_the_changes(command: str, world: World) -> None:
    options: dict[str, object] = {"channel": world.channel} if command == "channel" else {}
    needed = "🔒 You need the Manage Server permission to use this command."
    assert await run(world, world.moderator, f"moderation log {command}", **options) == needed
    with pytest.raises(SetupError, match="default-member-permissions"):
        await run(world, world.member, f"moderation log {command}", **options)
    [group] = [found for found in await world.bot.tree.fetch_commands() if found.name == "moderation"]
    world.guild.set_command_permissions(group, {world.member: True})
    assert await run(world, world.member, f"moderation log {command}", **options) == needed
    assert world.bot.moderation.settings(world.guild.id).log_channel_id is None


async def test_the_pages_of_changes_are_for_managers(world: World, manager: MemberActor) -> None:
    for number in range(12):
        await run(world, world.moderator, "quota set", member=world.member, videos=number + 1)
    listed = await manager.slash(world.channel, "moderation log changes")
    assert "page 1 of" in private_answer(listed)
    await press(manager, listed, "Older")
    assert listed.response is not None
    assert "page 2 of" in "\n".join(texts(listed.response))

"""`/moderation filter`: what no prompt in a server may have in it."""

from __future__ import annotations

from pathlib import Path

import discord
import pytest
from discord import app_commands
from simcord import MemberActor, SetupError

from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World, texts
from tests.acceptance.member import ask, assert_nothing_spent, press, private_answer, submit, until

READY = "✅ Your video is ready"
REFUSED = "This server's rules don't allow this prompt. Change it and try again."
NOTHING_SENT = "Nothing was sent, and this doesn't count towards your quota."


def manager_of(world: World) -> MemberActor:
    permissions = discord.Permissions(moderate_members=True, manage_guild=True)
    role = world.guild.create_role("Managers", permissions=permissions)
    return world.guild.add_member(world.env.create_user("ada"), roles=[role])


@pytest.fixture
def manager(world: World) -> MemberActor:
    return manager_of(world)


async def manage(world: World, manager: MemberActor, command: str, **options: object) -> str:
    return private_answer(await manager.slash(world.channel, f"moderation filter {command}", **options))


async def test_a_hit_refuses_before_anything_is_spent_and_names_no_word(
    world: World, cloud: GmiCloud, manager: MemberActor
) -> None:
    assert "Added the word **fox**." in await manage(world, manager, "add", word="FOX")
    for restart in (False, True):
        if restart:
            await world.restart()
        for prompt in ("a fox", "a F0X!", "a f\u200bоx"):
            asked = await ask(world, prompt=prompt)
            assert not asked.deferred
            text = private_answer(asked)
            assert REFUSED in text
            assert NOTHING_SENT in text
            assert "fox" not in text.lower()
    assert_nothing_spent(world, cloud)
    again = await submit(
        world.member, await press(world.member, asked, "Edit and try again"), prompt="a lynx"
    )
    await until(world, again, READY)


async def test_what_can_be_removed_is_offered_to_whoever_may_see_the_filter(
    world: World, manager: MemberActor
) -> None:
    for word in ("lynx", "fox", "w" * 101):
        await manage(world, manager, "add", word=word)

    async def offered(typed: str, to: MemberActor = manager) -> list[str]:
        found = await to.autocomplete(world.channel, "moderation filter remove", "entry", typed)
        return [choice["value"] for choice in found]

    assert await offered("") == ["fox", "lynx"]
    assert await offered("LY") == ["lynx"]
    assert await offered("", world.moderator) == []
    assert "lynx" in await manage(world, manager, "remove", entry=(await offered("ly"))[0])
    await world.restart()
    assert await offered("") == ["fox"]


async def test_the_prompt_is_checked_wherever_it_comes_from(
    world: World, cloud: GmiCloud, manager: MemberActor
) -> None:
    made = await ask(world, prompt="a fox")
    await until(world, made, READY)
    await manage(world, manager, "add", pattern="f.x")
    assert made.response is not None
    menu = await world.member.context_menu(world.channel, "Make a video from this", made.response)
    refused = [
        await press(world.member, made, "Again"),
        await submit(world.member, await press(world.member, made, "Edit")),
        await submit(world.other, await press(world.other, made, "Again")),
        await submit(world.member, menu, prompt="my fax"),
    ]
    for asked in refused:
        assert REFUSED in "\n".join(texts(asked.followups[0] if asked.followups else asked.response))
    assert cloud.paid == 1


async def test_a_filter_concerns_one_server_and_what_is_removed_is_fine_again(
    world: World, manager: MemberActor
) -> None:
    elsewhere = world.env.create_guild("Another server")
    channel = elsewhere.create_text_channel("films")
    there = elsewhere.add_member(world.member.user)
    await manage(world, manager, "add", word="red fox")
    await manage(world, manager, "add", pattern="sn.w")
    asked = await there.slash(channel, "vidu", prompt="a red fox", image1=("a.png", picture()))
    await until(world, asked, READY)
    await world.restart()
    shown = await manage(world, manager, "list")
    assert "**Filter of this server**\n- the word **red fox**\n- the pattern sn" in shown
    assert "Removed the pattern sn" in await manage(world, manager, "remove", entry="sn.w")
    assert "Removed the word **red fox**." in await manage(world, manager, "remove", entry="Red Fox")
    assert "has no entry like that" in await manage(world, manager, "remove", entry="red fox")
    assert "This server's filter is empty." in await manage(world, manager, "list")
    await until(world, await ask(world, prompt="a red fox in the snow"), READY)


async def test_what_cannot_be_used_is_named(world: World, manager: MemberActor) -> None:
    assert "Set `word` or `pattern`" in await manage(world, manager, "add")
    assert "Set `word` or `pattern`" in await manage(world, manager, "add", word="a", pattern="b")
    told = await manage(world, manager, "add", pattern="(fox")
    assert "I can't use this pattern: missing ): (fox. Patterns are written like in Google RE2" in told
    assert "I can't use this word: it has no letter and no digit." in await manage(
        world, manager, "add", word="..."
    )
    await manage(world, manager, "add", word="fox")
    assert "is in this server's filter already" in await manage(world, manager, "add", word="Fox")


async def test_a_text_can_be_tested(world: World, cloud: GmiCloud, manager: MemberActor) -> None:
    await manage(world, manager, "add", word="fox")
    assert "It has the word **fox**." in await manage(world, manager, "test", text="The Fox.")
    assert "This text is fine" in await manage(world, manager, "test", text="foxes")
    assert cloud.paid == 0


async def test_the_operators_own_list_applies_everywhere(
    world: World, cloud: GmiCloud, manager: MemberActor, tmp_path: Path
) -> None:
    path = tmp_path / "filter.txt"
    path.write_text("# never\nfox\n/l[iy]nx/\n")
    await world.restart(filter_file=path)
    for prompt in ("a fox", "two linxes"):
        text = private_answer(await ask(world, prompt=prompt))
        assert "The people who run this bot don't allow this prompt." in text
    direct = await world.member.user.slash("vidu", prompt="fox", image1=("a.png", picture()))
    assert "don't allow this prompt" in private_answer(direct)
    assert "The people who run this bot don't allow this text" in await manage(
        world, manager, "test", text="fox"
    )
    assert "empty" in await manage(world, manager, "list")
    assert cloud.paid == 0


COMMANDS: list[tuple[str, dict[str, str]]] = [
    ("add", {"word": "fox"}),
    ("remove", {"entry": "lynx"}),
    ("list", {}),
    ("test", {"text": "lynx"}),
]


@pytest.mark.command_errors(types=[app_commands.MissingPermissions, app_commands.MissingPermissions])
@pytest.mark.parametrize(("command", "options"), COMMANDS)
async def test_only_managers_change_it_or_read_it(
    command: str, options: dict[str, str], world: World, manager: MemberActor
) -> None:
    await manage(world, manager, "add", word="lynx")
    needed = "🔒 You need the Manage Server permission to use this command."
    assert await manage(world, world.moderator, command, **options) == needed
    with pytest.raises(SetupError, match="default-member-permissions"):
        await manage(world, world.member, command, **options)
    [group] = [found for found in await world.bot.tree.fetch_commands() if found.name == "moderation"]
    world.guild.set_command_permissions(group, {world.member: True})
    assert await manage(world, world.member, command, **options) == needed
    shown = await manage(world, manager, "list")
    assert "lynx" in shown
    assert "fox" not in shown

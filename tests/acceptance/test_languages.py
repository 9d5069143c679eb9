"""Members and servers of other languages: who reads what, and that it stays so over a restart."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from discord.app_commands import MissingPermissions
from simcord import InteractionResult, MemberActor

from fakes.gmi.cloud import GmiCloud
from fakes.locales import Locales, simulated_locales
from fakes.media import picture
from fakes.world import World, components
from tests.acceptance.member import ask, card_text, press, private_answer, question, until
from tests.acceptance.test_moderation_filter import manager_of
from tests.acceptance.test_moderation_log import logged

READY, READY_IN_GERMAN = "✅ Your video is ready", "✅ Dein Video ist fertig"
NO_PICTURE = {"image1": ("notes.txt", b"hello")}


@pytest.fixture
def locales() -> Iterator[Locales]:
    locales = Locales()
    with simulated_locales(locales):
        yield locales


async def choose(world: World, who: MemberActor, **options: object) -> str:
    return private_answer(await who.slash(world.channel, "language", **options))


def labels(asked: InteractionResult) -> set[str]:
    return {part["label"] for part in components(asked.response) if "label" in part}


async def test_a_german_member_reads_german_and_everyone_else_the_servers_english(
    world: World, cloud: GmiCloud, locales: Locales
) -> None:
    locales.members[world.member.id] = "de"
    refused = private_answer(await ask(world, **NO_PICTURE))
    assert "**notes.txt** ist eine Textdatei. Häng stattdessen ein PNG, JPEG oder WebP an." in refused
    assert "Es wurde nichts gesendet, und es zählt nicht zu deinem Kontingent." in refused
    assert "Dein Kontingent hier" in card_text(await world.member.slash(world.channel, "help"))
    assert "Your quota here" in card_text(await world.other.slash(world.channel, "help"))
    asked = await ask(world)
    assert "-# 5 seconds" in await until(world, asked, READY)
    again = await press(world.other, asked, "Delete")
    assert "Only" in private_answer(again)
    mine = question(await press(world.member, asked, "Delete"))
    assert "Dieses Video löschen?" in mine.content
    hidden = await ask(world, private=True)
    assert "-# 5 Sekunden" in await until(world, hidden, READY_IN_GERMAN)
    listed = await world.member.slash(world.channel, "videos")
    assert "### 🎞️ Deine Videos" in card_text(listed)
    assert READY_IN_GERMAN in card_text(listed)
    assert listed.response is not None
    ids = [part["custom_id"] for part in components(listed.response) if part.get("label") == "Zeigen"]
    shown = await world.member.click(listed.response, custom_id=ids[-1])  # the public one is the older
    assert READY_IN_GERMAN in card_text(shown)  # a copy that only the member sees


async def test_a_card_in_a_german_server_stays_german_over_a_restart(
    world: World, cloud: GmiCloud, locales: Locales
) -> None:
    answer = await choose(world, world.moderator, language="de")
    assert "Everyone in this server sees new videos and the log in Deutsch now." in answer
    asked = await ask(world)
    await until(world, asked, "🎬 Wird gerendert")
    assert "Abbrechen" not in labels(asked)
    await choose(world, world.moderator, language="automatic")
    await world.restart()
    text = await until(world, asked, READY_IN_GERMAN)
    assert "-# 5 Sekunden · Seed" in text
    assert {"Nochmal", "Bearbeiten", "Löschen"} <= labels(asked)
    assert READY in await until(world, await ask(world), READY)


@pytest.mark.command_errors(types=[MissingPermissions])
async def test_a_community_servers_own_language_counts_until_moderators_choose(
    world: World, locales: Locales
) -> None:
    locales.servers[world.guild.id] = "de"
    await until(world, await ask(world), READY_IN_GERMAN)
    await choose(world, world.moderator, language="en")
    await until(world, await ask(world), READY)
    locales.members[world.moderator.id] = "de"
    assert "Vorher: English." in await choose(world, world.moderator, language="automatic")
    [command] = [each for each in await world.bot.tree.fetch_commands() if each.name == "language"]
    world.guild.set_command_permissions(command, {world.member: True})
    refused = await choose(world, world.member, language="de")
    assert "You need the Timeout Members permission" in refused
    locales.servers[world.guild.id] = "tlh"  # nobody here speaks that
    await until(world, await ask(world), READY)


async def test_a_direct_message_is_in_its_members_language(world: World, locales: Locales) -> None:
    zoe = world.env.create_user("zoe")
    locales.members[zoe.id] = "de"
    assert "Textdatei" in private_answer(await zoe.slash("vidu", prompt="a fox", **NO_PICTURE))
    assert "Dein Kontingent hier" in card_text(await zoe.slash("help"))
    asked = await zoe.slash("vidu", prompt="a fox", image1=("fox.png", picture()))
    assert "-# 5 Sekunden" in await until(world, asked, READY_IN_GERMAN)


async def test_the_log_of_a_server_is_in_its_language_and_the_operators_is_not(
    world: World, locales: Locales, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    manager = manager_of(world)
    channel = world.guild.create_text_channel("mod-log")
    await choose(world, manager, language="de")
    await manager.slash(world.channel, "moderation log channel", channel=channel)
    await world.moderator.slash(world.channel, "quota set", videos=3)
    await until(world, await ask(world), READY_IN_GERMAN)
    said = "\n".join(await logged(world, channel))
    assert "hat diesen Kanal für das Log dieses Bots gewählt" in said
    assert "Kontingent (Alle (Standard des Servers)): nichts → 3 Videos pro Tag" in said
    assert "✅ Fertig" in said
    locales.members[world.member.id] = "de"
    assert not [record for record in caplog.records if "Kontingent" in record.getMessage()]
    changes = private_answer(await manager.slash(world.channel, "moderation log changes"))
    assert "Changes of this server's rules" in changes  # its title is the reader's, its words are the log's
    assert "3 Videos pro Tag" in changes
    assert "automatisch → Deutsch" in changes


async def test_erasing_a_servers_rules_forgets_its_language(world: World, locales: Locales) -> None:
    await choose(world, world.moderator, language="de")
    await world.bot.forget_server(world.guild.id)
    assert "I chose it automatically." in await choose(world, world.moderator)
    await world.restart()
    assert "in English. I chose it automatically." in await choose(world, world.moderator)

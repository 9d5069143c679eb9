"""`/reference`: pictures under a name; who may use them; and that nobody may anymore."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

import discord
import pytest
from simcord import ChannelHandle, InteractionResult, MemberActor

from bot.models.cast import SavedReference
from fakes.media import clip, picture
from fakes.world import World, components, texts
from tests.acceptance.member import fields, private_answer, question, submit
from tests.acceptance.test_moderation_filter import manager_of
from tests.acceptance.test_moderation_log import logged

QUESTION = "Do you have the right to share this person's or character's likeness?"
NOT_FOUND = "There's no reference with that name here."


@pytest.fixture
def log(world: World) -> ChannelHandle:
    """Return a channel that members can't see."""
    hidden = discord.PermissionOverwrite(view_channel=False)
    seen = discord.PermissionOverwrite(view_channel=True, send_messages=True)
    overwrites: dict[Any, discord.PermissionOverwrite] = {
        world.guild.default_role: hidden,
        world.guild.me: seen,
    }
    return world.guild.create_text_channel("mod-log", overwrites=overwrites)


async def reference(world: World, who: MemberActor, command: str, **options: object) -> InteractionResult:
    return await who.slash(world.channel, f"reference {command}", **options)


async def said(world: World, who: MemberActor, command: str, **options: object) -> str:
    return private_answer(await reference(world, who, command, **options))


async def save(world: World, who: MemberActor, name: str = "mia", count: int = 1) -> str:
    images = {f"image{number}": (f"{name}-{number}.png", picture()) for number in range(1, count + 1)}
    return await said(world, who, "save", name=name, **images)


async def share(
    world: World, who: MemberActor, name: str, level: str, answer: str = "Yes, share", **options: object
) -> str:
    asked = await reference(world, who, "share", name=name, level=level, **options)
    asking = question(asked)
    assert QUESTION in "\n".join(texts(asking))
    await who.click(asking, label=answer)
    return "\n".join(texts(asking))


async def offered(world: World, who: MemberActor, typed: str = "", command: str = "show") -> list[str]:
    choices = await who.autocomplete(world.channel, f"reference {command}", "name", typed)
    return [choice["name"] for choice in choices]


async def usable(world: World, who: MemberActor, guild_id: int | None) -> Sequence[SavedReference]:
    return await world.bot.storage.cast.usable(who.id, guild_id)


async def test_pictures_are_saved_seen_renamed_and_deleted_over_a_restart(world: World) -> None:
    text = await save(world, world.member, "Mia", 3)
    assert "✅ Saved **Mia** with 3 pictures. Only you can use it." in text
    await world.restart()
    assert "already have a reference named **mia**" in await save(world, world.member, "mia")
    assert "only have letters, digits and hyphens" in await save(world, world.member, "my fox")
    assert "mention everyone" in await save(world, world.member, "@everyone")
    shown = await reference(world, world.member, "show", name="@mia")
    assert shown.response is not None
    assert [file.filename.rsplit("-", 1)[1] for file in shown.response.attachments] == [
        "1.jpg",
        "2.jpg",
        "3.jpg",
    ]
    assert world.cdn(shown.response.attachments[0].url)[:2] == b"\xff\xd8"
    assert "🔒 Only you can use it.\n-# Write `@Mia` in a prompt to use it." in private_answer(shown)
    listed = await reference(world, world.member, "list")
    assert "1 of 10 references, 0.1 MB of 20 MB" in private_answer(listed)
    assert sum("media" in component for component in components(listed.response)) == 1
    assert await offered(world, world.member) == ["Mia"]
    assert await offered(world, world.other) == []
    assert NOT_FOUND in await said(world, world.other, "show", name="mia")
    assert NOT_FOUND in await said(world, world.moderator, "delete", name="mia")
    assert "is called **Mila** now" in await said(world, world.member, "rename", name="mia", to="Mila")
    assert NOT_FOUND in await said(world, world.member, "show", name="mia")
    assert "Deleted **Mila**" in await said(world, world.member, "delete", name="mila")
    assert "You have none yet" in await said(world, world.member, "list")


async def test_what_is_wrong_with_pictures_is_said_and_nothing_is_saved(world: World) -> None:
    given = {"image1": ("a.png", picture()), "image2": ("b.mp4", clip()), "image3": ("c.png", b"\x89PNG")}
    text = await said(world, world.member, "save", name="mia", **given)
    assert "2 things to fix" in text
    assert "**b.mp4** is a video, and only pictures can be saved" in text
    assert "Nothing was saved." in text
    assert await usable(world, world.member, None) == []


@pytest.mark.settings(references_per_member=1)
async def test_a_member_has_so_many_references(world: World) -> None:
    await save(world, world.member)
    assert "You can save 1 reference, and you have it already" in await save(world, world.member, "fox")
    assert "✅ Saved" in await save(world, world.other, "mia")


async def test_nothing_is_shared_without_a_yes_and_a_yes_is_noted(world: World, log: ChannelHandle) -> None:
    await world.bot.moderation.set_log_channel(world.guild.id, log.id)
    await save(world, world.member)
    assert "Nothing was shared" in await share(world, world.member, "mia", "server", "No")
    assert await offered(world, world.other) == []
    asked = await reference(world, world.member, "share", name="mia", level="server")
    await world.restart()
    await world.member.click(question(asked), label="Yes, share")
    assert "Everyone in this server can use **mia** now" in "\n".join(texts(question(asked)))
    assert await offered(world, world.other, "MI") == ["mia (shared with this server)"]
    assert "shares it with this server" in await said(world, world.other, "list")
    assert "shares it with this server" in await said(world, world.other, "show", name="mia")
    assert "Only the person who saved" in await said(world, world.other, "rename", name="mia", to="eve")
    assert "Only the person who saved" in await said(world, world.other, "delete", name="mia")
    assert "Only the person who saved" in await said(world, world.other, "unshare", name="mia")
    assert "Only the person who saved" in await said(world, world.other, "share", name="mia", level="server")
    assert "They can use it already" in await said(world, world.member, "share", name="mia", level="server")
    [found] = await usable(world, world.other, world.guild.id)
    assert (found.shares[0].agreed_by, found.shares[0].guild_id) == (world.member.id, world.guild.id)
    assert await usable(world, world.other, None) == []
    await world.bot.cast.note_use(found, world.other.id)
    await world.bot.cast.note_use(found, world.member.id)  # not worth telling
    told = await said(world, world.member, "list")
    assert f"{world.other.mention} used it 1 time" in told
    assert f"{world.member.mention} used it" not in told
    assert "You said <t:" in await said(world, world.member, "show", name="mia")
    assert any(
        f"{world.member.mention} shared the reference **mia** with this server" in entry
        for entry in await logged(world, log)
    )


async def test_a_reference_for_one_person_is_for_nobody_else(world: World) -> None:
    await save(world, world.member)
    for options, words in (
        ({}, "Choose the person in the option `member`"),
        ({"member": world.member}, "Choose someone else"),
    ):
        assert words in await said(world, world.member, "share", name="mia", level="people", **options)
    told = await share(world, world.member, "mia", "people", member=world.other)
    assert f"{world.other.mention} can use **mia** now" in told
    assert await offered(world, world.other) == ["mia (shared with you)"]
    assert await offered(world, world.moderator) == []
    assert NOT_FOUND in await said(world, world.moderator, "show", name="mia")
    assert [found.name for found in await usable(world, world.other, None)] == ["mia"]
    assert "can't use **mia** anymore" not in await said(world, world.member, "list")
    told = await said(world, world.member, "unshare", name="mia", member=world.other)
    assert "Only you can use **mia** now" in told
    assert await usable(world, world.other, None) == []
    assert "isn't shared like that" in await said(world, world.member, "unshare", name="mia")


async def test_a_moderator_ends_a_share_for_good_and_the_owner_keeps_the_reference(
    world: World, log: ChannelHandle
) -> None:
    removed: list[int] = []

    async def hear(reference_id: int) -> None:
        removed.append(reference_id)

    await world.bot.moderation.set_log_channel(world.guild.id, log.id)
    await save(world, world.member)
    await share(world, world.member, "mia", "server")
    await world.restart()
    world.bot.cast.on_removed = hear
    [found] = await usable(world, world.other, world.guild.id)
    assert await offered(world, world.other, command="unshare") == []
    assert await offered(world, world.moderator, command="unshare") == ["mia (shared with this server)"]
    told = await said(world, world.moderator, "unshare", name=f"#{found.id}")
    assert f"{world.member.mention} doesn't share **mia** here anymore" in told
    assert removed == [found.id]
    assert await usable(world, world.other, world.guild.id) == []
    assert [kept.id for kept in await usable(world, world.member, None)] == [found.id]
    asked = await reference(world, world.member, "share", name="mia", level="server")
    await world.member.click(question(asked), label="Yes, share")
    assert "A moderator stopped the sharing" in "\n".join(texts(question(asked)))
    assert await usable(world, world.other, world.guild.id) == []
    assert any(
        f"{world.moderator.mention} stopped sharing {world.member.mention}'s reference **mia**" in entry
        for entry in await logged(world, log)
    )


async def test_a_blocked_member_and_a_refused_name_are_not_shared(world: World) -> None:
    manager = manager_of(world)
    await manager.slash(world.channel, "moderation filter add", word="hen")
    await save(world, world.member, "hen")
    assert "don't allow that name" in await said(world, world.member, "share", name="hen", level="server")
    await save(world, world.member, "fox")
    await share(world, world.member, "fox", "server")
    assert "don't allow that name" in await said(world, world.member, "rename", name="fox", to="hen")
    await world.moderator.slash(world.channel, "moderation block", member=world.member)
    await said(world, world.member, "unshare", name="fox")
    text = await said(world, world.member, "share", name="fox", level="server")
    assert "A moderator has blocked you" in text


@pytest.mark.parametrize("restart", [False, True])
async def test_the_pictures_of_a_message_are_saved_under_a_typed_name(restart: bool, world: World) -> None:
    files = [(f"{n}.png", picture()) for n in range(4)] + [("run.mp4", clip())]
    message = await world.other.send(world.channel, attachments=files)
    opened = await world.member.context_menu(world.channel, "Save as reference", message)
    used = fields(opened)["used"]
    assert [option["label"] for option in used["options"]] == ["1. 0.png", "2. 1.png", "3. 2.png", "4. 3.png"]
    if restart:
        await world.restart()
    saved = await submit(world.member, opened, name="Fox", used=["1", "3"])
    assert "✅ Saved **Fox** with 2 pictures" in private_answer(saved)
    assert [found.name for found in await usable(world, world.member, None)] == ["Fox"]
    empty = await world.other.send(world.channel, "hello", attachments=[("run.mp4", clip())])
    refused = await world.member.context_menu(world.channel, "Save as reference", empty)
    assert "no picture I can save" in private_answer(refused)


async def test_a_list_has_pages(world: World) -> None:
    for number in range(6):
        await save(world, world.member, f"fox-{number}")
    listed = await reference(world, world.member, "list")
    assert "page 1 of 2" in private_answer(listed)
    await world.restart()
    assert listed.response is not None
    await world.member.click(listed.response, label="Next")
    text = private_answer(listed)
    assert "page 2 of 2" in text
    assert "fox-5" in text
    assert "fox-4" not in text


async def test_privacy_shows_exports_and_erases_references(world: World) -> None:
    await save(world, world.member, "mia", 2)
    await share(world, world.member, "mia", "server")
    shown = private_answer(await world.member.slash(world.channel, "privacy show"))
    assert "**1 reference**: its name and pictures" in shown
    asked = await world.member.slash(world.channel, "privacy export")
    assert asked.response is not None
    data, pictures = asked.response.attachments
    found = json.loads(world.cdn(data.url))
    assert [one["name"] for one in found["references"]] == ["mia"]
    assert len(found["reference_pictures"]) == 2
    assert [one["level"] for one in found["reference_shares"]] == ["server"]
    assert found["reference_shares"][0]["agreed_at"].startswith("20")
    with zipfile.ZipFile(io.BytesIO(world.cdn(pictures.url))) as archive:
        assert archive.namelist() == ["mia-1.jpeg", "mia-2.jpeg"]
    asked = await world.member.slash(world.channel, "privacy erase")
    assert "Your reference and its pictures go too" in private_answer(asked)
    await world.member.click(question(asked), label="Erase")
    assert await usable(world, world.other, world.guild.id) == []
    assert await world.bot.storage.cast.pictures(found["references"][0]["id"]) == []
    assert "You have none yet" in await said(world, world.member, "list")


async def test_what_is_shared_with_a_server_ends_when_the_bot_leaves(world: World) -> None:
    await save(world, world.member)
    await share(world, world.member, "mia", "server")
    await share(world, world.member, "mia", "people", member=world.other)
    world.bot.departures.left(world.guild.id)
    noting = f"note server {world.guild.id}"
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == noting))
    assert [one.name for one in await usable(world, world.other, None)] == ["mia"]
    assert await usable(world, world.moderator, world.guild.id) == []
    assert len(await usable(world, world.member, None)) == 1


@pytest.mark.settings(allowed_servers=frozenset({1}))
async def test_where_the_bot_is_not_allowed_only_what_is_ones_own_can_be_seen_and_deleted(
    world: World,
) -> None:
    assert "don't allow this here" in await save(world, world.member)
    assert await offered(world, world.member, command="rename") == []
    assert "You have none yet" in await said(world, world.member, "list")
    assert NOT_FOUND in await said(world, world.member, "delete", name="mia")

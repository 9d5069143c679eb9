"""`/moderation age`: how videos are shown outside of age-restricted channels."""

from __future__ import annotations

from typing import Any

import pytest
from discord import app_commands
from simcord import MemberActor, SetupError
from simcord.backend import serializers

from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World, components
from tests.acceptance.member import ask, assert_nothing_spent, press, private_answer, submit, until
from tests.acceptance.test_moderation_filter import manager_of

READY = "✅ Your video is ready"
REFUSED = "This server only allows videos in age-restricted channels. Use one of those instead."


@pytest.fixture
def manager(world: World) -> MemberActor:
    return manager_of(world)


async def choose(world: World, who: MemberActor, **options: object) -> str:
    return private_answer(await who.slash(world.channel, "moderation age", **options))


async def restrict(world: World) -> None:
    """Make the channel one that Discord restricts to adults."""
    backend = world.env.backend
    payload = serializers.channel_payload(backend, backend.get_channel(world.channel.id))
    backend.emit("CHANNEL_UPDATE", {**payload, "nsfw": True})
    await world.env.settle()


def covered(message: Any) -> set[bool]:
    """Return whether pictures and videos of a message are covered."""
    found = set()
    for component in components(message):
        media = component.get("items", [component] if "media" in component else [])
        found |= {bool(item.get("spoiler")) for item in media}
    return found


@pytest.mark.parametrize("restart", [False, True], ids=["", "restart"])
async def test_videos_are_covered_where_the_server_wants_it(
    restart: bool, world: World, manager: MemberActor
) -> None:
    shown = await ask(world)
    await until(world, shown, READY)
    assert covered(shown.response) == {False}
    told = await choose(world, manager, videos="covered")
    assert "new videos are covered until someone clicks them" in told
    assert "Before: shown." in told
    if restart:
        await world.restart()
    asked = await ask(world)
    assert covered(asked.response) == {True}
    await until(world, asked, READY)
    assert covered(asked.response) == {True}
    again = await press(world.member, shown, "Again")
    await until(world, again, READY)
    assert covered(again.response) == {True}
    assert "videos are **covered**" in await choose(world, manager)
    await choose(world, manager, videos="shown")
    asked = await ask(world)
    await until(world, asked, READY)
    assert covered(asked.response) == {False}


async def test_videos_are_refused_on_every_way(world: World, cloud: GmiCloud, manager: MemberActor) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("a.png", picture()))
    assert "only make videos in age-restricted" in await choose(world, manager, videos="refused")
    await world.restart()
    for asked in (
        await ask(world),
        await world.member.slash(world.channel, "vidu"),
        await submit(world.member, opened, prompt="a fox"),
    ):
        assert asked.modal is None
        text = private_answer(asked)
        assert REFUSED in text
        assert "Nothing was sent, and this doesn't count towards your quota." in text
    assert_nothing_spent(world, cloud)
    direct = await world.member.user.slash("vidu", prompt="x", image1=("a.png", picture()))
    await until(world, direct, READY)  # no rule of a server


@pytest.mark.parametrize("rule", ["covered", "refused"])
async def test_age_restricted_channels_show_everything(rule: str, world: World, manager: MemberActor) -> None:
    await choose(world, manager, videos=rule)
    await restrict(world)
    asked = await ask(world)
    await until(world, asked, READY)
    assert covered(asked.response) == {False}


@pytest.mark.command_errors(types=[app_commands.MissingPermissions, app_commands.MissingPermissions])
async def test_only_managers_choose(world: World, manager: MemberActor) -> None:
    needed = "🔒 You need the Manage Server permission to use this command."
    assert await choose(world, world.moderator, videos="refused") == needed
    with pytest.raises(SetupError, match="default-member-permissions"):
        await choose(world, world.member, videos="refused")
    [group] = [found for found in await world.bot.tree.fetch_commands() if found.name == "moderation"]
    world.guild.set_command_permissions(group, {world.member: True})
    assert await choose(world, world.member, videos="refused") == needed
    assert "videos are **shown**" in await choose(world, manager)

"""Whom a moderator's options mean: a member, a role, or the whole server."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from bot.intake.quota_commands import Target, target_of
from bot.models.quotas import Scope
from fakes.world import World

BOT_TAGS = {"bot_id": "77"}


def role_of(world: World, **fields: Any) -> discord.Role:
    """Return a role as discord.py reads it from what Discord sends."""
    guild = world.bot.get_guild(world.guild.id)
    assert guild is not None
    data: Any = {
        "id": "5",
        "name": "Robots",
        "permissions": "0",
        "position": 1,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    return discord.Role(guild=guild, state=guild._state, data=data | fields)


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({}, Target(Scope.ROLE, 5)),
        ({"managed": True, "tags": BOT_TAGS}, Target(Scope.ROLE, 5, bot=True)),
        # A subscription or a boost also gives a role that nobody assigns; people have it.
        ({"managed": True, "tags": {"premium_subscriber": None}}, Target(Scope.ROLE, 5)),
    ],
)
async def test_a_role(fields: dict[str, Any], target: Target, world: World) -> None:
    assert target_of(None, role_of(world, **fields)) == target


async def test_the_role_of_everybody_is_the_server(world: World) -> None:
    assert target_of(None, role_of(world, id=str(world.guild.id))) == Target(Scope.SERVER, None)
    assert target_of(None, None) == Target(Scope.SERVER, None)

"""Warnings about a budget: what moderators read below the next answer of `/quota`, once."""

from __future__ import annotations

import pytest

from fakes.world import World
from tests.acceptance.member import until
from tests.acceptance.test_quota_budget import RESTARTS, ask_as_other, finish, moderate

READY = "✅ Your video is ready"


@RESTARTS
async def test_each_warning_is_told_to_one_moderator_once(restart: bool, world: World) -> None:
    await moderate(world, "budget", videos=5)
    for _ in range(3):
        await finish(world)
    assert "⚠️" not in await moderate(world, "show")
    await until(world, await ask_as_other(world), READY)
    if restart:
        await world.restart()
    told = await moderate(world, "show", member=world.member)
    assert (
        "⚠️ This server has used at least 80% of a limit. This server's budget: 4 of 5 videos per day." in told
    )
    if restart:
        await world.restart()
    assert "⚠️" not in await moderate(world, "usage")
    await finish(world)
    assert "⚠️ This server reached a limit. This server's budget: 5 of 5 videos" in await moderate(
        world, "reset", member=world.member
    )
    assert "⚠️" not in await moderate(world, "show")


async def test_a_budget_that_was_changed_warns_anew(world: World) -> None:
    await moderate(world, "budget", videos=1)
    await finish(world)
    told = await moderate(world, "budget", videos=3)
    assert "⚠️ This server reached a limit. This server's budget: 1 of 1 video per day." in told
    await finish(world)
    assert "⚠️" not in await moderate(world, "show")
    await finish(world)
    await world.restart()
    assert "⚠️ This server reached a limit. This server's budget: 3 of 3 videos" in await moderate(
        world, "show"
    )
    await moderate(world, "budget", unlimited=True)
    assert "⚠️ This server" not in await moderate(world, "show")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("set", {"videos": 9}),
        ("set", {}),
        ("set", {"member": "other", "role": "role", "videos": 1}),
        ("clear", {}),
        ("clear", {"member": "other", "role": "role"}),
        ("reset", {"member": "other"}),
        ("show", {}),
        ("show", {"member": "other"}),
        ("usage", {}),
        ("budget", {}),
        ("budget", {"per": "week"}),
        ("budget", {"videos": 9}),
        ("pause", {}),
        ("resume", {}),
    ],
)
async def test_every_answer_carries_a_warning(command: str, options: dict[str, object], world: World) -> None:
    actors = {"other": world.other, "role": world.guild.create_role("Film club")}
    await moderate(world, "budget", videos=1)
    await finish(world)
    given = {name: actors.get(str(value), value) for name, value in options.items()}
    told = await moderate(world, command, **given)
    *_, blank, warning = told.splitlines()
    assert blank == ""  # or Discord would show it as a part of a list above
    assert "⚠️ This server reached a limit." in warning
    assert "1 of 1 video per day" in told

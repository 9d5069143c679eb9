"""A walk over all commands: what Discord is told about each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fakes.world import World

SUBCOMMAND, GROUP = 1, 2
MODERATE_MEMBERS = 1 << 40
MANAGE_GUILD = 1 << 5
MESSAGE_MENU = 3
GUILD, BOT_DM, PRIVATE_CHANNEL = 0, 1, 2
GUILD_INSTALL, USER_INSTALL = 0, 1


def walk(command: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    name = f"{path} {command['name']}".strip()
    children = [option for option in command.get("options", []) if option["type"] in {SUBCOMMAND, GROUP}]
    if not children:
        yield name, command
    for child in children:
        yield from walk(child, name)


@pytest.fixture
def payloads(world: World) -> dict[str, dict[str, Any]]:
    return {command.name: command.to_dict(world.bot.tree) for command in world.bot.tree.get_commands()}


async def test_these_commands_and_no_others(payloads: dict[str, dict[str, Any]]) -> None:
    leaves = [name for payload in payloads.values() for name, _ in walk(payload)]
    assert sorted(leaves) == [
        "Make a video from this",
        "Report this video",
        "Save as reference",
        "help",
        "language",
        "moderation age",
        "moderation block",
        "moderation blocked",
        "moderation filter add",
        "moderation filter list",
        "moderation filter remove",
        "moderation filter test",
        "moderation log changes",
        "moderation log channel",
        "moderation unblock",
        "privacy erase",
        "privacy export",
        "privacy server-erase",
        "privacy show",
        "quota budget",
        "quota clear",
        "quota pause",
        "quota reset",
        "quota resume",
        "quota set",
        "quota show",
        "quota usage",
        "reference delete",
        "reference list",
        "reference rename",
        "reference save",
        "reference share",
        "reference show",
        "reference unshare",
        "videos",
        "vidu",
        "vidu-check",
    ]


async def test_every_command_and_option_is_described(payloads: dict[str, dict[str, Any]]) -> None:
    for payload in payloads.values():
        if payload["type"] == MESSAGE_MENU:
            assert "description" not in payload  # Discord refuses one
            continue
        for name, leaf in walk(payload):
            for part in (leaf, *leaf.get("options", [])):
                # discord.py shows an ellipsis where nobody wrote a description.
                assert 10 <= len(part["description"]) <= 100, (name, part["name"])
                assert part["name"] == part["name"].lower()


async def test_who_may_use_what_and_where(payloads: dict[str, dict[str, Any]]) -> None:
    for name in ("quota", "moderation"):
        assert int(payloads[name]["default_member_permissions"]) == MODERATE_MEMBERS
        assert payloads[name]["contexts"] == [GUILD]
        assert payloads[name]["integration_types"] == [GUILD_INSTALL]
    assert payloads["Report this video"]["contexts"] == [GUILD]
    assert payloads["Report this video"]["integration_types"] == [GUILD_INSTALL]
    assert int(payloads["vidu-check"]["default_member_permissions"]) == MANAGE_GUILD
    assert payloads["vidu-check"]["contexts"] == [GUILD]
    assert payloads["vidu-check"]["integration_types"] == [GUILD_INSTALL]
    for name in (
        "vidu",
        "videos",
        "help",
        "privacy",
        "reference",
        "Make a video from this",
        "Save as reference",
    ):
        assert payloads[name].get("default_member_permissions") is None
        assert payloads[name]["contexts"] == [GUILD, BOT_DM, PRIVATE_CHANNEL]
        assert payloads[name]["integration_types"] == [GUILD_INSTALL, USER_INSTALL]


async def test_required_options_come_first(payloads: dict[str, dict[str, Any]]) -> None:
    for payload in payloads.values():
        for _, leaf in walk(payload):
            required = [option.get("required", False) for option in leaf.get("options", [])]
            assert required == sorted(required, reverse=True)
            assert len(required) <= 25


async def test_commands_are_registered_only_when_they_changed(world: World) -> None:
    def registrations() -> int:
        return sum(
            entry.method == "PUT" and entry.path.endswith("/commands") for entry in world.env.http_requests
        )

    assert registrations() == 1
    await world.restart()
    assert registrations() == 1
    await world.bot.storage.notes.save(f"commands of {world.bot.application_id}", "of an older version")
    await world.restart()
    assert registrations() == 2

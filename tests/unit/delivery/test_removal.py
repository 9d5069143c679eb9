"""A card that is to go: what each answer of Discord leads to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot.delivery.messages import Content, Messages, Put
from bot.delivery.removal import remove_card
from bot.delivery.routes import Routes, Undeliverable
from bot.models.jobs import Job
from tests.unit.delivery.test_routes import EXPIRES, at, http_error
from tests.unit.jobs.stage import QuickClock

UNKNOWN, FORBIDDEN, DEAD = http_error(404, 10008), http_error(403, 50001), http_error(401, 50027)


@dataclass
class FakeMessages:
    """Discord's calls for one card: each fails as it is told to, or works."""

    errors: dict[str, Exception] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    shown: list[Content] = field(default_factory=list)

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if name in self.errors:
            raise self.errors[name]

    def guild_limit(self, guild_id: int | None) -> int:
        return 0

    async def delete(self, job: Job, *, by_token: bool) -> None:
        self._call("delete by token" if by_token else "delete")

    def _edit(self, name: str) -> Put:
        async def put(content: Content) -> discord.Message:
            self._call(name)
            self.shown.append(content)
            return cast(discord.Message, SimpleNamespace(id=4, channel=SimpleNamespace(id=3)))

        return put

    def edit_by_token(self, job: Job) -> Put:
        return self._edit("edit by token")

    def edit_in_channel(self, job: Job) -> Put:
        return self._edit("edit")


def stage(clock: QuickClock, **errors: Exception) -> tuple[Routes, FakeMessages]:
    routes = Routes(cast(discord.Client, None), cast(aiohttp.ClientSession, None), clock)
    fake = FakeMessages({name.replace("_", " "): error for name, error in errors.items()})
    routes.messages = cast(Messages, fake)
    return routes, fake


@pytest.mark.parametrize(
    ("fields", "errors", "calls"),
    [
        ({}, {}, ["delete by token"]),
        ({"token": None}, {}, ["delete"]),
        ({}, {"delete_by_token": UNKNOWN}, ["delete by token", "delete"]),
        ({"private": True}, {}, ["delete by token"]),
        ({"private": True, "token": None}, {}, ["delete"]),  # it may be a direct message
        ({"guest": True}, {}, ["delete by token"]),
        ({"message_id": None}, {}, []),
    ],
)
async def test_the_whole_message_goes_where_that_works(
    fields: dict[str, Any], errors: dict[str, Exception], calls: list[str], quick: QuickClock
) -> None:
    routes, fake = stage(quick, **errors)
    assert await remove_card(routes, at(**({"message_id": 4} | fields)))
    assert (fake.calls, fake.shown) == (calls, [])


async def test_where_it_may_not_be_deleted_it_loses_its_files(quick: QuickClock) -> None:
    routes, fake = stage(quick, delete_by_token=FORBIDDEN, delete=FORBIDDEN)
    assert await remove_card(routes, at(message_id=4))
    assert fake.calls == ["delete by token", "delete", "edit by token"]
    assert [content.attachments for content in fake.shown] == [{"attachments": []}]


@pytest.mark.parametrize(("private", "removed"), [(False, True), (True, False)])
async def test_a_card_that_is_not_there_any_more_may_still_be_on_its_members_screen(
    private: bool, removed: bool, quick: QuickClock
) -> None:
    quick.moment = EXPIRES + timedelta(hours=1)
    routes, fake = stage(quick, delete=UNKNOWN, edit=UNKNOWN)
    assert await remove_card(routes, at(message_id=4, private=private)) is removed
    assert fake.calls == ["delete", "edit"]


async def test_where_the_bot_is_a_guest_nothing_but_a_token_reaches_a_card(quick: QuickClock) -> None:
    quick.moment = EXPIRES
    routes, fake = stage(quick)
    assert not await remove_card(routes, at(message_id=4, guest=True))
    assert fake.calls == []


async def test_a_dead_token_is_not_used_twice(quick: QuickClock) -> None:
    routes, fake = stage(quick, delete_by_token=DEAD, delete=FORBIDDEN, edit=FORBIDDEN)
    with pytest.raises(Undeliverable):
        await remove_card(routes, at(message_id=4))
    assert fake.calls == ["delete by token", "delete", "edit"]


@pytest.mark.parametrize("error", [http_error(503), aiohttp.ClientError(), TimeoutError()])
async def test_while_nobody_knows_it_is_tried_again_later(error: Exception, quick: QuickClock) -> None:
    routes, fake = stage(quick, delete_by_token=error)
    with pytest.raises(Undeliverable, match="is unsure"):
        await remove_card(routes, at(message_id=4))
    assert fake.calls == ["delete by token"]

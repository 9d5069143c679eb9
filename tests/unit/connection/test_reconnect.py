"""The first connection to the gateway: what passes is waited for, and nothing else is hidden by that."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import aiohttp
import discord
import pytest

from bot.connection.reconnect import PAUSE_MAX, GatewayUnreachable, stay_connected
from tests.unit.jobs.stage import QuickClock


def failing(times: int, cause: Exception) -> Callable[[], Awaitable[None]]:
    """Return a connection that fails so often as discord.py does where it never had a session."""
    left = [cause] * times

    async def connect() -> None:
        if left:
            try:
                raise left.pop()
            except Exception:
                session: discord.gateway.DiscordWebSocket | None = None
                session.sequence  # type: ignore[union-attr]  # noqa: B018 - as the library does

    return connect


@pytest.fixture
async def client() -> discord.Client:
    return discord.Client(intents=discord.Intents.none())


@pytest.mark.parametrize("cause", [OSError("no"), TimeoutError(), aiohttp.ClientPayloadError()])
async def test_a_gateway_that_cannot_be_reached_is_tried_with_growing_pauses(
    cause: Exception, client: discord.Client, caplog: pytest.LogCaptureFixture
) -> None:
    clock = QuickClock()
    await stay_connected(client, failing(11, cause), clock)
    assert clock.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, PAUSE_MAX, PAUSE_MAX]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 11
    name = type(cause).__name__
    assert caplog.messages[0] == f"Discord's gateway can't be reached ({name}). The next attempt is in 1 s"


async def test_a_bug_before_the_first_connection_is_no_reason_to_wait(client: discord.Client) -> None:
    clock = QuickClock()
    with pytest.raises(GatewayUnreachable):
        await stay_connected(client, failing(1, KeyError("a bug")), clock)
    assert clock.waits == []

"""Stay connected to Discord's gateway: what can't be read at all costs the session, not the process."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import discord

from bot.clock import Clock, sleep
from bot.connection.event_guard import origin

log = logging.getLogger(__name__)

# Seconds before a new session after an unreadable one; Discord allows 1,000 sessions a day.
PAUSE_FIRST, PAUSE_MAX = 1.0, 300.0
STEADY = timedelta(minutes=5)  # after so long the next failure has nothing to do with the last one


# What discord.py itself takes as a reason to connect again.
NO_CONNECTION = (
    OSError,
    TimeoutError,
    aiohttp.ClientError,
    discord.ConnectionClosed,
    discord.GatewayNotFound,
    discord.HTTPException,
)


class GatewayUnreachable(Exception):  # noqa: N818 - it names what happened
    """Not even the first connection to Discord's gateway came about."""


async def stay_connected(
    client: discord.Client, connect: Callable[[], Awaitable[None]], clock: Clock
) -> None:
    """Connect, and begin a new session whenever one ends with something that could not be read.

    While not even a first connection comes about it is tried again. Raises what discord.py raises where no
    further attempt can help, and GatewayUnreachable where nobody knows why there is no connection.
    """
    pause = PAUSE_FIRST
    while True:
        began = clock.now()
        try:
            await connect()
        except (discord.DiscordException, aiohttp.ClientError, OSError):
            raise
        except Exception as error:
            if clock.now() - began >= STEADY:
                pause = PAUSE_FIRST
            if client.ws is None:
                _log_no_connection(error, pause)
            else:
                text = "Discord's gateway sent something that could not be read at all (%s); "
                log.error(f"{text}a new session begins in %.0f s", origin(error), pause)
                with contextlib.suppress(aiohttp.ClientError, OSError):  # the line may be down as well
                    await client.ws.close(code=1000)
        else:
            return
        await sleep(clock, pause)
        pause = min(pause * 2, PAUSE_MAX)


def _log_no_connection(error: Exception, pause: float) -> None:
    """Log why there was no first connection. Raises GatewayUnreachable where that is not known."""
    # discord.py 2.7 trips over the session that it never had, while it deals with what really happened.
    cause = error.__context__
    if not isinstance(error, AttributeError) or not isinstance(cause, NO_CONNECTION):
        raise GatewayUnreachable from error
    text = "Discord's gateway can't be reached (%s). The next attempt is in %.0f s"
    log.error(text, type(cause).__name__, pause)


def forget_ready(client: discord.Client) -> None:
    """Cancel what waits to say that Discord is ready: it would outlive the client, and fail."""
    waiting = client._connection._ready_task
    if waiting is not None:
        waiting.cancel()

"""Start the bot: `python -m bot`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from urllib.parse import unquote, urlsplit

import aiohttp
import discord

from bot.client import ViduBot, new_bot
from bot.connection.reconnect import GatewayUnreachable
from bot.settings import Settings, SettingsError, load
from bot.slots.slot import SlotLost
from bot.storage.storage import StorageFault, StorageUnavailable, StorageUnusable
from bot.telemetry import logs

MISCONFIGURED, FAILED, TAKEN_OVER = 2, 1, 3  # exit codes
HANG_UP_SECONDS = 2.0  # how long the connection may take to end by itself once the bot is closed
TOKEN_REFUSED, SHARDS_REQUIRED = 4004, 4011  # the gateway's codes for it [Discord]

log = logging.getLogger("bot")


class Broken(Exception):  # noqa: N818 - it names what happened
    """A task without which nothing goes on cannot be kept running."""


Kinds = tuple[type[Exception], ...]
NO_DISCORD: Kinds = (GatewayUnreachable, discord.GatewayNotFound, discord.HTTPException)
NO_NETWORK: Kinds = (aiohttp.ClientError, OSError)
SENTENCES: list[tuple[Kinds, str]] = [  # the first that fits
    ((discord.LoginFailure,), "Discord refused the token: DISCORD_TOKEN must be the bot's token."),
    ((discord.PrivilegedIntentsRequired,), "Discord refused the bot's intents. Updating the bot may help."),
    (
        (StorageUnavailable, StorageFault),
        "The database stopped answering while the bot started. Try again later.",
    ),
    ((Broken,), "A part of the bot keeps failing. See the log. Restarting may help."),
    (
        (*NO_DISCORD, *NO_NETWORK),
        "Discord can't be reached, or doesn't answer as it should. Try again later.",
    ),
]


async def run(settings: Settings) -> None:
    """Run until Discord ends it or the process is told to stop.

    Raises Broken when a part cannot be kept running, SlotLost when another process may have taken over, and
    whatever ended the connection to Discord.
    """
    bot = new_bot(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
            loop.add_signal_handler(number, stop.set)
    async with bot:
        running = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
        stopping = asyncio.create_task(stop.wait())
        broken = asyncio.create_task(bot.tasks.wait_broken())
        lost = asyncio.create_task(bot.slot.wait_lost())
        try:
            await asyncio.wait({running, stopping, broken, lost}, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                raise SlotLost(lost.result())
            if broken.done():
                raise Broken
            if running.done():
                await running
                return
            log.info("Stopping; open jobs are saved and continue at the next start")
        finally:
            await _hang_up(bot, running)
            stopping.cancel()
            broken.cancel()
            lost.cancel()


async def _hang_up(bot: ViduBot, running: asyncio.Task[None]) -> None:
    """Close the bot, and end its connection to Discord."""
    if bot.opened:
        # While what is on its way arrives, members still get an answer: the connection goes last.
        await bot.close()
        await asyncio.wait({running}, timeout=HANG_UP_SECONDS)
    # Between two attempts to reconnect discord.py sleeps for minutes, closed or not.
    running.cancel()
    await asyncio.wait({running})
    if not running.cancelled() and (error := running.exception()) is not None:
        log.debug("The connection to Discord ended with %s", type(error).__name__)


def main() -> int:
    """Start the bot and return the exit code, with one plain sentence where it cannot run."""
    try:
        settings = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED
    logs.set_up(settings.log_level, _secrets(settings))
    try:
        asyncio.run(run(settings))
    except KeyboardInterrupt:  # only where signals have no handlers
        return 0
    except SlotLost as error:
        print(error, file=sys.stderr)
        return TAKEN_OVER
    except Exception as error:
        print(_sentence(error), file=sys.stderr)
        return FAILED
    return 0


def _secrets(settings: Settings) -> list[str]:
    found = [settings.discord_token.get_secret_value(), settings.gmi_api_key.get_secret_value()]
    password = urlsplit(settings.database_url.get_secret_value()).password
    return found if password is None else [*found, password, unquote(password)]


def _sentence(error: Exception) -> str:
    """Return what the operator should know of what ended the bot; what nobody expected goes to the log."""
    if isinstance(error, StorageUnusable):
        return str(error)
    if isinstance(error, discord.ConnectionClosed):
        if error.code == TOKEN_REFUSED:
            return SENTENCES[0][1]
        if error.code == SHARDS_REQUIRED:
            return "The bot is in so many servers that Discord requires more connections: raise SHARD_COUNT."
        return f"Discord ended the connection for good (code {error.code}). Updating the bot may help."
    for kinds, sentence in SENTENCES:
        if isinstance(error, kinds):
            return sentence
    log.critical("The bot failed unexpectedly", exc_info=error)
    return "The bot failed unexpectedly. See the log. Restarting may help."


if __name__ == "__main__":
    sys.exit(main())

"""Start the bot: `python -m bot`."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys

import aiohttp
import discord

from bot import logs
from bot.client import ViduBot
from bot.ledger import LedgerUnusable
from bot.settings import Settings, SettingsError, load

MISCONFIGURED, FAILED = 2, 1  # exit codes

log = logging.getLogger("bot")


class Broken(Exception):  # noqa: N818 - it names what happened
    """A task without which nothing goes on cannot be kept running."""


async def run(settings: Settings) -> None:
    """Run until Discord ends it or the process is told to stop."""
    bot = ViduBot(settings)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
            loop.add_signal_handler(number, stop.set)
    async with bot:
        running = asyncio.create_task(bot.start(settings.discord_token.get_secret_value()))
        stopping = asyncio.create_task(stop.wait())
        broken = asyncio.create_task(bot.tasks.wait_broken())
        await asyncio.wait({running, stopping, broken}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not running.done():
            log.info("Stopping; jobs under way are safe in the ledger and go on at the next start")
            await bot.close()
        await running
        if broken.done():
            raise Broken
        broken.cancel()


def main() -> int:
    """Start the bot and return the exit code, with one plain sentence where it cannot run."""
    try:
        settings = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return MISCONFIGURED
    secrets = (settings.discord_token, settings.gmi_api_key)
    logs.set_up(settings.log_level, [secret.get_secret_value() for secret in secrets])
    try:
        asyncio.run(run(settings))
    except discord.LoginFailure:
        print("Discord refused the token: DISCORD_TOKEN must be the bot's token.", file=sys.stderr)
    except LedgerUnusable as error:
        print(error, file=sys.stderr)
    except Broken:
        print("A part of the bot failed again and again: see the log. A new start may help.", file=sys.stderr)
    except (aiohttp.ClientError, OSError, discord.HTTPException) as error:
        log.debug("Discord failed", exc_info=error)
        print("Discord cannot be reached, or does not answer as it should. Try again later.", file=sys.stderr)
    else:
        return 0
    return FAILED


if __name__ == "__main__":
    sys.exit(main())

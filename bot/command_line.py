"""The command line: starts the bot, checks its installation, looks after its database."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

import aiohttp
import discord

from bot.checks.findings import Level
from bot.checks.installation import check_installation
from bot.client.bot import NeedsShards, ViduBot
from bot.client.sharded import new_bot
from bot.clock import Clock, SystemClock
from bot.connection.reconnect import GatewayUnreachable
from bot.exit_codes import ExitCode
from bot.maintenance import commands
from bot.settings import Settings, SettingsError, load, misspelled_settings
from bot.slots.slot import SlotLost
from bot.storage.storage import StorageFault, StorageUnavailable, StorageUnusable
from bot.telemetry import logs
from bot.version import VERSION

HANG_UP_SECONDS = 2.0  # how long the connection may take to end by itself once the bot is closed
TOKEN_REFUSED, SHARDS_REQUIRED = 4004, 4011  # the gateway's codes for it [Discord]
# Seconds between two attempts to start while Discord or the database can't be reached. Discord allows 1,000
# logins a day.
PAUSE_FIRST, PAUSE_MAX = 2.0, 300.0

log = logging.getLogger("bot")


class Broken(Exception):  # noqa: N818 - it names what happened
    """A task without which nothing goes on cannot be kept running."""


Kinds = tuple[type[Exception], ...]
NO_DISCORD: Kinds = (GatewayUnreachable, discord.GatewayNotFound, discord.HTTPException)
NO_NETWORK: Kinds = (aiohttp.ClientError, OSError)
AWAY: Kinds = (StorageUnavailable, *NO_DISCORD, *NO_NETWORK)  # what passes by itself, before the bot is there
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


async def run(settings: Settings, clock: Clock) -> None:
    """Run until Discord ends it or the process is told to stop.

    While Discord or the database can't be reached, the start is tried again. Raises Broken when a part cannot
    be kept running, SlotLost when another process may have taken over, and whatever ended the connection to
    Discord.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers
            loop.add_signal_handler(number, stop.set)
    pause, sharded, shards_min = PAUSE_FIRST, False, 1
    while not stop.is_set():
        bot = new_bot(settings, sharded=sharded, shards_min=shards_min)
        try:
            await _run_once(bot, settings.discord_token.get_secret_value(), stop)
        except NeedsShards:
            sharded = True
            continue
        except discord.ConnectionClosed as error:
            if error.code != SHARDS_REQUIRED or settings.shard_count is not None:
                raise
            sharded, shards_min = True, bot.slot.share.shard_count + 1
            log.error("Discord requires more connections; the next attempt is in %.0f s", pause)
        except AWAY as error:
            if bot.opened:
                raise
            log.error("%s The next attempt is in %.0f s", waits_for(error), pause)
        else:
            return
        await clock.wait(stop, pause)
        pause = min(pause * 2, PAUSE_MAX)


async def _run_once(bot: ViduBot, token: str, stop: asyncio.Event) -> None:
    """Start one bot and run it until it ends, or until the process is told to stop."""
    async with bot:
        running = asyncio.create_task(bot.start(token))
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


def main(arguments: Sequence[str] | None = None) -> ExitCode:
    """Do what the command line asks for, and return how the process ends."""
    chosen = _parser().parse_args(arguments)
    run_chosen: Callable[[argparse.Namespace], ExitCode] = chosen.run
    return run_chosen(chosen)


def _parser() -> argparse.ArgumentParser:
    """Return the command line: each way to run sets `run`."""
    parser = argparse.ArgumentParser(prog="python -m bot", description="The Vidu bot for Discord.")
    parser.set_defaults(run=run_bot)
    parser.add_argument("--version", action="version", version=VERSION, help="print the version, and end")
    parser.add_argument(
        "--check",
        dest="run",
        action="store_const",
        const=run_checks,
        help="check the installation, also beside a running bot, and start nothing",
    )
    commands.add_to(parser)
    return parser


def run_checks(_: argparse.Namespace) -> ExitCode:
    """Print what the checks find, a line each."""

    async def check() -> ExitCode:
        code = ExitCode.STOPPED
        async for finding in check_installation():
            print(finding, flush=True)
            if finding.level is Level.FAULT:
                code = ExitCode.CHECK_FOUND_FAULTS
        return code

    return asyncio.run(check())


def run_bot(_: argparse.Namespace) -> ExitCode:
    """Run the bot; where it cannot run, the last line of its log says why in one plain sentence."""
    try:
        settings = load()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return ExitCode.MISCONFIGURED
    logs.set_up(settings.log_level, _secrets(settings), settings.log_format)
    log.info("Version %s starts", VERSION)
    for hint in misspelled_settings():
        log.warning("%s It counts as not set", hint)
    try:
        asyncio.run(run(settings, SystemClock()))
    except KeyboardInterrupt:  # only where signals have no handlers
        return ExitCode.STOPPED
    except SlotLost as error:
        log.critical("%s", error, extra={"exit_code": int(ExitCode.LOST_SLOT)})
        return ExitCode.LOST_SLOT
    except Exception as error:
        log.critical("%s", sentence(error), extra={"exit_code": int(ExitCode.FAILED)})
        return ExitCode.FAILED
    return ExitCode.STOPPED


def _secrets(settings: Settings) -> list[str]:
    found = [settings.discord_token.get_secret_value(), settings.gmi_api_key.get_secret_value()]
    password = urlsplit(settings.database_url.get_secret_value()).password
    return found if password is None else [*found, password, unquote(password)]


def waits_for(error: Exception) -> str:
    """Return what a start waits for, and how that failed; no text of Discord, which may hold anything."""
    if isinstance(error, StorageUnavailable):
        return f"The database doesn't answer: {error}"
    status = f" {error.status}" if isinstance(error, discord.HTTPException) else ""
    return f"Discord can't be reached, or doesn't answer as it should ({type(error).__name__}{status})."


def sentence(error: Exception) -> str:
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

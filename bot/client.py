"""The bot: opens its parts in order, loads the cogs, and closes the parts in reverse order."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.buttons import CardButton, PageButton
from bot.clock import Clock, SystemClock
from bot.delivery import Delivery
from bot.downloads import open_session
from bot.fetching import Fetcher
from bot.gmi import GmiCloud
from bot.hosts import is_on_this_machine
from bot.ledger import Ledger
from bot.quotas import Quotas
from bot.routes import Routes
from bot.runner import Runner
from bot.settings import Settings
from bot.tasks import Tasks
from bot.window import WindowButton

log = logging.getLogger(__name__)

EXTENSIONS = (
    "cogs.errors",
    "cogs.vidu",
    "cogs.window",
    "cogs.menu",
    "cogs.buttons",
    "cogs.videos",
    "cogs.quota",
)
KEEPALIVE = 75.0  # seconds; above the longest pause between two questions, so that no question pays for TLS
PARALLEL_EXAMINATIONS = 4  # requests whose files are in memory at once: nine files can have 400 MiB
DNS_CACHE = 300  # seconds


class ViduBot(commands.Bot):
    """One process: one Discord application, one GMI Cloud organisation, one ledger."""

    ledger: Ledger
    quotas: Quotas
    delivery: Delivery
    runner: Runner

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            tree_cls=_Tree,
        )
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.tasks = Tasks(self.clock)
        self.examinations = asyncio.Semaphore(PARALLEL_EXAMINATIONS)
        self._parts = AsyncExitStack()
        self._resumed = False

    async def setup_hook(self) -> None:
        """Open the parts, then load the cogs: a command can arrive as soon as Discord is connected."""
        settings = self.settings
        self.ledger = await Ledger.open(settings.database_url.get_secret_value())
        self._parts.push_async_callback(self.ledger.close)
        connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=KEEPALIVE, ttl_dns_cache=DNS_CACHE)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        await self._parts.enter_async_context(session)
        key = settings.gmi_api_key.get_secret_value()
        self.quotas = Quotas(settings.quota, settings.quota_running)
        loopback = is_on_this_machine(settings.gmi_base_url)
        downloads = await self._parts.enter_async_context(open_session(loopback=loopback))
        self.delivery = Delivery(
            Routes(self, session, self.clock), Fetcher(downloads, self.clock, loopback=loopback)
        )
        self.runner = Runner(
            ledger=self.ledger,
            quotas=self.quotas,
            gmi=GmiCloud(session, settings.gmi_base_url, key, settings.gmi_org_id),
            delivery=self.delivery,
            clock=self.clock,
            tasks=self.tasks,
            model=settings.gmi_model,
            deadline=timedelta(minutes=settings.job_deadline_minutes),
            requests_per_minute=settings.gmi_requests_per_minute,
            notify_after=_notify_after(settings.notify_after_seconds),
        )
        self._parts.push_async_callback(self.runner.close)
        await self.runner.open()
        self.add_dynamic_items(CardButton, PageButton, WindowButton)
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        await self._sync_if_changed()

    async def on_ready(self) -> None:
        """Resume open jobs at the first connection; later ones find them still running."""
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))
        if not self._resumed:
            self._resumed = True
            self.runner.resume()

    async def close(self) -> None:
        """Stop the work, then close what it stood on."""
        await self._parts.aclose()
        await super().close()

    async def _sync_if_changed(self) -> None:
        """Register the commands only when they differ: Discord allows 200 creations a day."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        name = f"commands of {self.application_id}"
        if await self.ledger.note(name) != digest:
            await self.tree.sync()
            await self.ledger.write_note(name, digest)
            log.info("Registered %d commands", len(payload))


def _notify_after(seconds: int) -> timedelta | None:
    return None if seconds < 0 else timedelta(seconds=seconds)


class _Tree(app_commands.CommandTree[ViduBot]):
    """Leaves every failed command to the one place that answers it."""

    async def on_error(
        self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError, /
    ) -> None:
        """Pass the failure on to `cogs.errors`."""
        self.client.dispatch("app_command_error", interaction, error)

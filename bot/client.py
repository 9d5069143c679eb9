"""The bot: opens its parts in order, loads the extensions, and closes the parts in reverse order."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.clock import Clock, SystemClock
from bot.connection.event_guard import INTERACTION, EventGuard, origin
from bot.connection.reconnect import stay_connected
from bot.connection.registration import register
from bot.delivery.fetcher import Fetcher
from bot.delivery.routes import Routes
from bot.delivery.sender import Delivery
from bot.delivery.thumbnails import Thumbnails
from bot.gmi.client import GmiCloud
from bot.intake.access import command_allowed_or_answered, log_access
from bot.intake.answers import answer_failed, answer_unexpected
from bot.intake.attachments import AttachmentReader
from bot.intake.context import Interaction
from bot.intake.intake import Intake
from bot.jobs.service import JobService
from bot.media.byte_budget import ByteBudget
from bot.media.cdn import Cdn, DiscordCdn
from bot.media.download import open_session
from bot.media.hosts import is_on_this_machine
from bot.media.inspection.inspector import Inspector
from bot.moderation.departures import Departures
from bot.moderation.privacy import Privacy
from bot.moderation.retention import Retention
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.service import QuotaService
from bot.quotas.warnings import BudgetWarnings
from bot.settings import Settings
from bot.storage.storage import Storage
from bot.tasks import Tasks
from bot.ui.texts.budgets import ceilings_in_force

log = logging.getLogger(__name__)

EXTENSIONS = (
    "cogs.vidu",
    "cogs.modal",
    "cogs.message_command",
    "cogs.card_buttons",
    "cogs.videos",
    "cogs.quota",
    "cogs.help",
    "cogs.privacy",
    "cogs.fallbacks",
)
KEEPALIVE = 75.0  # seconds; above the longest pause between two questions, so that no question pays for TLS
UPLOAD_BYTES = 100 * 1024 * 1024  # of references that wait for their first card, in all
DNS_CACHE = 300  # seconds


class ViduBot(commands.Bot):
    """One process: one Discord application, one GMI Cloud organization, one database."""

    cdn: Cdn
    storage: Storage
    quota_service: QuotaService
    delivery: Delivery
    thumbnails: Thumbnails
    job_service: JobService
    intake: Intake
    privacy: Privacy
    departures: Departures

    def __init__(self, settings: Settings, *, clock: Clock | None = None, cdn: Cdn | None = None) -> None:
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
        self.access = settings.access
        self.clock: Clock = clock or SystemClock()
        self.tasks = Tasks(self.clock)
        self.events = EventGuard(self._on_unreadable)
        self.events.protect(self._connection.parsers)
        self.opened = False  # every part is there, and members may come
        self.inspector = Inspector(self.clock)
        self.upload_bytes = ByteBudget(UPLOAD_BYTES)
        self._given_cdn = cdn
        self._parts = AsyncExitStack()
        self._parts.callback(self.inspector.close)
        self._resumed = False

    async def setup_hook(self) -> None:
        """Open the parts, then load the extensions: a command can arrive as soon as Discord is connected."""
        await self._open_parts()
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        self.tasks.supervise(lambda: register(self.tree, self.storage, self.clock), "register the commands")
        self.opened = True
        # discord.py has read it at the login; where it has not, nobody knows.
        log_access(self.access, public=self.application.bot_public if self.application else None)

    async def _open_parts(self) -> None:
        """Open each part after those that it stands on; each is closed before them."""
        settings = self.settings
        self.storage = await Storage.open(settings.database_url.get_secret_value())
        self._parts.push_async_callback(self.storage.close)
        connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=KEEPALIVE, ttl_dns_cache=DNS_CACHE)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        await self._parts.enter_async_context(session)
        self.cdn = self._given_cdn or DiscordCdn(session)
        limiter = QuotaLimiter(
            settings.quota, settings.quota_running, settings.quota_attempts_per_hour, settings.ceilings
        )
        log.info("%s", ceilings_in_force(settings.ceilings))
        warnings = BudgetWarnings(
            limiter.budgets, self.storage.budgets, self.clock, self.tasks, settings.price
        )
        self.quota_service = QuotaService(self.storage, limiter, warnings, self.clock)
        await self._open_jobs(session, limiter, warnings)
        self._open_privacy()
        self.intake = Intake(
            jobs=self.job_service,
            quotas=limiter,
            budget_warnings=warnings,
            files=AttachmentReader(self.inspector, self.cdn, self.upload_bytes),
            drafts=self.storage.drafts,
            upload_bytes=self.upload_bytes,
            clock=self.clock,
            access=self.access,
        )

    async def _open_jobs(
        self, session: aiohttp.ClientSession, limiter: QuotaLimiter, warnings: BudgetWarnings
    ) -> None:
        """Open what takes jobs to their end, and take over those of an earlier process."""
        settings = self.settings
        key = settings.gmi_api_key.get_secret_value()
        loopback = is_on_this_machine(settings.gmi_base_url)
        downloads = await self._parts.enter_async_context(open_session(loopback=loopback))
        self.delivery = Delivery(
            Routes(self, session, self.clock), Fetcher(downloads, self.clock, loopback=loopback)
        )
        self.thumbnails = Thumbnails(self.delivery, self.clock)
        self.job_service = JobService(
            storage=self.storage,
            quotas=limiter,
            budget_warnings=warnings,
            gmi=GmiCloud(session, settings.gmi_base_url, key, settings.gmi_org_id),
            delivery=self.delivery,
            clock=self.clock,
            tasks=self.tasks,
            model=settings.gmi_model,
            deadline=timedelta(minutes=settings.job_deadline_minutes),
            requests_per_minute=settings.gmi_requests_per_minute,
            notify_after=_notify_after(settings.notify_after_seconds),
        )
        self._parts.push_async_callback(self.job_service.close)
        await self.job_service.open()

    def _open_privacy(self) -> None:
        """Open what erases data by age and on request."""
        forget, kept_for = self.quota_service.forget_server, timedelta(days=self.settings.retention_days)
        retention = Retention(self.storage, self.job_service.erasure, forget, self.clock, kept_for)
        self.privacy = Privacy(self.storage, retention, self.clock)
        self.departures = Departures(self.storage, self.clock, self.tasks)
        self.tasks.supervise(retention.run, "erase what is old")

    async def on_ready(self) -> None:
        """Resume open jobs at the first connection; later ones find them still running."""
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))
        self._resume()

    async def on_error(self, event_method: str, /, *args: Any, **_: Any) -> None:
        """Log what a listener raised, and answer the member who waits for it."""
        log.exception("The listener %s failed", event_method)
        if args and isinstance(args[0], discord.Interaction):
            await answer_unexpected(args[0])

    async def connect(self, *, reconnect: bool = True) -> None:
        """Stay connected. Raises GatewayUnreachable, and what discord.py raises where nothing can help."""
        await stay_connected(self, partial(super().connect, reconnect=reconnect), self.clock)

    async def close(self) -> None:
        """Stop the work, then close what it stood on; what fails there keeps nothing else open."""
        for close in (self._parts.aclose, super().close):
            try:
                await close()
            except Exception:
                log.exception("A part of the bot could not be closed in good order")

    def _on_unreadable(self, event: str, data: Any) -> None:
        """Do what an event that could not be read would have led to, as far as that is possible."""
        if event == INTERACTION:
            self.dispatch("unreadable_interaction", data)
        elif event == "READY":
            self._resume()  # all that open jobs need are REST calls

    def _resume(self) -> None:
        if not self._resumed:
            self._resumed = True
            self.job_service.resume()


def _notify_after(seconds: int) -> timedelta | None:
    return None if seconds < 0 else timedelta(seconds=seconds)


class _Tree(app_commands.CommandTree[ViduBot]):
    """Refuses commands where the operator doesn't allow the bot, and answers every one that failed."""

    async def interaction_check(self, interaction: Interaction) -> bool:
        """Tell whether a command may run here; where not, its member is told so."""
        return await command_allowed_or_answered(self.client.access, interaction)

    async def _call(self, interaction: Interaction) -> None:
        """Run a command; what odd data raises is dropped by discord.py, and nobody would answer."""
        try:
            await super()._call(interaction)
        except app_commands.AppCommandError:
            raise
        except Exception as error:
            log.error("A command's data could not be read (%s)", origin(error))
            await answer_unexpected(interaction)

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Turn the failure into a sentence."""
        name = interaction.command.qualified_name if interaction.command else "unknown"
        await answer_failed(interaction, f"The command {name}", error)

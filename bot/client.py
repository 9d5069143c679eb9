"""The bot: opens its parts in order, loads the extensions, and closes the parts in reverse order."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands
from yarl import URL

from bot.checks.at_start import log_gmi
from bot.clock import Clock, SystemClock
from bot.connection.event_guard import INTERACTION, EventGuard, origin
from bot.connection.reconnect import stay_connected
from bot.connection.registration import register
from bot.delivery.fetcher import Fetcher
from bot.delivery.log_poster import LogMessages
from bot.delivery.routes import Routes
from bot.delivery.sender import Delivery
from bot.delivery.thumbnails import Thumbnails
from bot.gmi.client import GmiCloud
from bot.intake.access import command_allowed_or_answered, log_access
from bot.intake.answers import answer_failed, answer_unexpected
from bot.intake.attachments import AttachmentReader
from bot.intake.context import Interaction
from bot.intake.intake import Intake
from bot.intake.server_rules import ServerRules
from bot.jobs.service import JobService
from bot.media.byte_budget import ByteBudget
from bot.media.cdn import Cdn, DiscordCdn
from bot.media.download import open_session
from bot.media.hosts import is_on_this_machine
from bot.media.inspection.inspector import Inspector
from bot.models.catalog import CATALOG
from bot.moderation.audit_log import AuditLog
from bot.moderation.content_filter import read_file
from bot.moderation.departures import Departures
from bot.moderation.privacy import Privacy
from bot.moderation.retention import Retention
from bot.moderation.service import ModerationService
from bot.quotas.budgets import Budgets
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.service import QuotaService
from bot.quotas.warnings import BudgetWarnings
from bot.settings import Settings
from bot.slots.choice import slot_of
from bot.slots.leased import LeaseTimes
from bot.slots.slot import SlotState
from bot.storage.storage import Storage
from bot.tasks import Tasks
from bot.telemetry.metrics import Readings
from bot.telemetry.service import Telemetry
from bot.ui.texts.budgets import ceilings_in_force

log = logging.getLogger(__name__)

EXTENSIONS = (
    "cogs.vidu",
    "cogs.modal",
    "cogs.message_command",
    "cogs.card_buttons",
    "cogs.videos",
    "cogs.quota",
    "cogs.moderation",
    "cogs.report_command",
    "cogs.help",
    "cogs.vidu_check",
    "cogs.privacy",
    "cogs.fallbacks",
)
KEEPALIVE = 75.0  # seconds; above the longest pause between two questions, so that no question pays for TLS
IN_USE = "Another bot, or a restore, is using this database: stop it first, or wait until it is done."
UPLOAD_BYTES = 100 * 1024 * 1024  # of references that wait for their first card, in all
DNS_CACHE = 300  # seconds


class ViduBot(commands.Bot):
    """One process: one Discord application, one GMI Cloud organization, one database."""

    cdn: Cdn
    storage: Storage
    quota_service: QuotaService
    moderation: ModerationService
    audit_log: AuditLog
    delivery: Delivery
    thumbnails: Thumbnails
    job_service: JobService
    intake: Intake
    privacy: Privacy
    departures: Departures

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        cdn: Cdn | None = None,
        lease_times: LeaseTimes | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.tasks = Tasks(self.clock)
        self.telemetry = Telemetry(settings.http_address, self.clock, self.tasks, settings.price)
        self.metrics = self.telemetry.metrics
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            tree_cls=_Tree,
            shard_count=settings.shard_count if settings.shard_count > 1 else None,
            http_trace=self.telemetry.trace_discord(),
        )
        self.settings = settings
        self.access = settings.access
        # Whether this process works or waits for another one to end.
        self.slot = slot_of(
            settings.database_url.get_secret_value(),
            settings.shard_count,
            self.clock,
            lease_times or LeaseTimes(),
        )
        self.telemetry.readiness.standby = lambda: self.slot.state is SlotState.STANDBY
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
        await self._parts.enter_async_context(self.telemetry)
        await self._open_parts()
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        self.tasks.supervise(lambda: _register(self), "register the commands")
        self.opened = True
        # discord.py has read it at the login; where it has not, nobody knows.
        log_access(self.access, public=self.application.bot_public if self.application else None)

    async def _open_parts(self) -> None:
        """Open each part after those that it stands on; each is closed before them."""
        settings = self.settings
        self.storage = await self._parts.enter_async_context(self.slot.open_storage(metrics=self.metrics))
        # Before the slot is given back: what another process then hears is for that process alone.
        self._parts.push_async_callback(super().close)
        self.telemetry.readiness.storage = self.storage.answers
        session = await self._parts.enter_async_context(_open_session())
        self.cdn = self._given_cdn or DiscordCdn(session, metrics=self.metrics)
        limiter = QuotaLimiter(
            settings.quota, settings.quota_running, settings.quota_attempts_per_hour, settings.ceilings
        )
        log.info("%s", ceilings_in_force(settings.ceilings))
        warnings = BudgetWarnings(
            limiter.budgets, self.storage.budgets, self.clock, self.tasks, settings.price
        )
        self.quota_service = QuotaService(self.storage, limiter, warnings, self.clock)
        self.moderation = ModerationService(
            self.storage.moderation,
            self.storage.servers,
            self.clock,
            read_file(settings.filter_file) if settings.filter_file else (),
        )
        await self.moderation.load()
        self.audit_log = await _open_log(self, warnings)
        self.tasks.supervise(self.audit_log.run, "write the logs of servers")
        await self._open_jobs(session, limiter, warnings)
        self._open_privacy()
        self.intake = Intake(
            jobs=self.job_service,
            quotas=limiter,
            budget_warnings=warnings,
            server_rules=ServerRules(self.moderation, self.audit_log),
            files=AttachmentReader(self.inspector, self.cdn, self.upload_bytes),
            drafts=self.storage.drafts,
            upload_bytes=self.upload_bytes,
            clock=self.clock,
            access=self.access,
            metrics=self.metrics,
        )
        self.metrics.observe(_readings(self, limiter.budgets))

    async def _open_jobs(
        self, session: aiohttp.ClientSession, limiter: QuotaLimiter, warnings: BudgetWarnings
    ) -> None:
        """Open what takes jobs to their end, and take over those of an earlier process."""
        settings = self.settings
        key = settings.gmi_api_key.get_secret_value()
        self.delivery = await self._parts.enter_async_context(_open_delivery(self, session))
        self.thumbnails = Thumbnails(self.delivery, self.clock)
        gmi = GmiCloud(
            session,
            settings.gmi_base_url,
            key,
            settings.gmi_org_id,
            self.metrics,
            may_submit=self.slot.is_held,
        )
        self.job_service = JobService(
            storage=self.storage,
            quotas=limiter,
            budget_warnings=warnings,
            gmi=gmi,
            delivery=self.delivery,
            clock=self.clock,
            tasks=self.tasks,
            slot=self.slot,
            model=settings.gmi_model,
            deadline=timedelta(minutes=settings.job_deadline_minutes),
            requests_per_minute=settings.gmi_requests_per_minute,
            notify_after=_notify_after(settings.notify_after_seconds),
            metrics=self.metrics,
        )
        self.job_service.watch(self.audit_log.job_changed)
        self._parts.push_async_callback(self.job_service.close)
        self._parts.push_async_callback(self.audit_log.close)
        await self.job_service.open()
        self.tasks.spawn(log_gmi(gmi, CATALOG[settings.gmi_model]), "compare the model with our table")

    def _open_privacy(self) -> None:
        """Open what erases data by age and on request."""
        retention = Retention(
            self.storage,
            self.job_service.erasure,
            self.clock,
            timedelta(days=self.settings.retention_days),
            forget_server=self.forget_server,
            refresh_logs=self.audit_log.load,
        )
        self.privacy = Privacy(self.storage, retention, self.clock)
        self.departures = Departures(self.storage, self.clock, self.tasks)
        self.tasks.supervise(retention.run, "erase what is old")

    async def forget_server(self, guild_id: int) -> None:
        """Erase all that the moderators of a server have set and decided. Raises StorageUnavailable."""
        await self.moderation.forget_server(guild_id)
        await self.quota_service.forget_server(guild_id)

    async def on_ready(self) -> None:
        """Resume open jobs at the first connection; later ones find them still running."""
        log.info("Ready as %s in %d servers", self.user, len(self.guilds))
        self._resume()

    async def on_resumed(self) -> None:
        """Note that an interrupted session goes on."""
        self.telemetry.readiness.gateway_ready = True

    async def on_disconnect(self) -> None:
        """Note that no event can arrive."""
        self.telemetry.readiness.gateway_ready = False

    async def on_shard_ready(self, _shard_id: int) -> None:
        """Resume open jobs with the first of many connections: each takes seconds."""
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
        self.telemetry.readiness.stopping = True
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
        self.telemetry.readiness.gateway_ready = True
        if not self._resumed:
            self._resumed = True
            self.job_service.resume()


def _open_session() -> aiohttp.ClientSession:
    """Return a session for everything but finished videos."""
    connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=KEEPALIVE, ttl_dns_cache=DNS_CACHE)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


@asynccontextmanager
async def _open_delivery(bot: ViduBot, session: aiohttp.ClientSession) -> AsyncIterator[Delivery]:
    """Open what brings cards and videos to members."""
    loopback = is_on_this_machine(bot.settings.gmi_base_url)
    # On the connections of the shared session, and apart from it: all that this one sends goes to Discord.
    cards = aiohttp.ClientSession(
        connector=session.connector,
        connector_owner=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[bot.telemetry.trace_discord()],
    )
    async with cards, open_session(loopback=loopback) as downloads:
        fetcher = Fetcher(downloads, bot.clock, loopback=loopback, metrics=bot.metrics)
        yield Delivery(Routes(bot, cards, bot.clock), fetcher, may_post=bot.slot.is_held)


def _readings(bot: ViduBot, budgets: Budgets) -> Readings:
    """Return how things stand whenever somebody asks for the metrics."""
    return Readings(
        now=bot.clock.now,
        open_jobs=bot.job_service.open_jobs,
        budgets=lambda: budgets.of_bot(bot.clock.now()),
        closed_gate=lambda: bot.job_service.gate.reason,
        unreadable_events=bot.events.unreadable,
        tasks=bot.tasks,
        readiness=bot.telemetry.readiness,
    )


async def _register(bot: ViduBot) -> None:
    await register(bot.tree, bot.storage, bot.clock)
    bot.telemetry.readiness.commands_registered = True


class ShardedViduBot(ViduBot, commands.AutoShardedBot):
    """The bot with several connections to Discord, each for its share of the servers."""

    async def launch_shard(self, gateway: URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect one shard. What it can't read at all costs its session, as in `stay_connected`."""
        await super().launch_shard(gateway, shard_id, initial=initial)
        # discord.py 2.7 would end the whole client.
        shard = self._AutoShardedClient__shards[shard_id]  # type: ignore[attr-defined]
        shard._handled_exceptions = (Exception,)


def new_bot(settings: Settings) -> ViduBot:
    """Return the bot for as many shards as the settings say."""
    return ViduBot(settings) if settings.shard_count == 1 else ShardedViduBot(settings)


async def _open_log(bot: ViduBot, warnings: BudgetWarnings) -> AuditLog:
    """Open what writes into the log channels of servers."""
    storage = bot.storage
    audit_log = AuditLog(
        moderation=bot.moderation,
        store=storage.moderation_log,
        jobs=storage.jobs,
        poster=LogMessages(bot),
        clock=bot.clock,
        price=bot.settings.price,
    )
    warnings.on_given = audit_log.budget_warning
    await audit_log.load()
    return audit_log


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

"""The bot: opens its parts in order, loads the extensions, and closes the parts in reverse order."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.parts import UPLOAD_BYTES, open_parts, register_commands
from bot.clock import Clock, SystemClock
from bot.connection.event_guard import INTERACTION, EventGuard, origin
from bot.connection.reconnect import stay_connected
from bot.delivery.sender import Delivery
from bot.delivery.thumbnails import Thumbnails
from bot.intake.access import command_allowed_or_answered, log_access
from bot.intake.answers import answer_failed, answer_unexpected
from bot.intake.context import Interaction
from bot.intake.intake import Intake
from bot.jobs.service import JobService
from bot.media.byte_budget import ByteBudget
from bot.media.cdn import Cdn
from bot.media.inspection.inspector import Inspector
from bot.media.uploads import ReferenceUploads
from bot.moderation.audit_log import AuditLog
from bot.moderation.departures import Departures
from bot.moderation.privacy import Privacy
from bot.moderation.service import ModerationService
from bot.quotas.service import QuotaService
from bot.settings import Settings
from bot.slots.choice import slot_of
from bot.slots.leased import LeaseTimes
from bot.slots.slot import SlotState
from bot.storage.storage import Storage
from bot.tasks import Tasks
from bot.telemetry.service import Telemetry

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


class ViduBot(commands.Bot):
    """One process: one Discord application, one GMI Cloud organization, one database."""

    cdn: Cdn
    storage: Storage
    quota_service: QuotaService
    moderation: ModerationService
    audit_log: AuditLog
    delivery: Delivery
    thumbnails: Thumbnails
    reference_uploads: ReferenceUploads
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
        self.given_cdn = cdn
        self.parts = AsyncExitStack()
        self.parts.callback(self.inspector.close)
        self._resumed = False

    async def setup_hook(self) -> None:
        """Open the parts, then load the extensions: a command can arrive as soon as Discord is connected."""
        await self.parts.enter_async_context(self.telemetry)
        await open_parts(self)
        for extension in EXTENSIONS:
            await self.load_extension(extension)
        self.tasks.supervise(lambda: register_commands(self), "register the commands")
        self.opened = True
        # discord.py has read it at the login; where it has not, nobody knows.
        log_access(self.access, public=self.application.bot_public if self.application else None)

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
        for close in (self.parts.aclose, super().close):
            try:
                await close()
            except Exception:
                log.exception("A part of the bot could not be closed in good order")

    async def leave_gateway(self) -> None:
        """Hear nothing more from Discord."""
        await super().close()

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

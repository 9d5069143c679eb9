"""The bot: opens its parts in order, loads the extensions, and closes the parts in reverse order."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.cast.service import CastService
from bot.client.parts import UPLOAD_BYTES, open_parts, register_commands
from bot.clock import Clock, SystemClock
from bot.connection.event_guard import INTERACTION, EventGuard, origin
from bot.connection.reconnect import forget_ready, stay_connected
from bot.delivery.sender import Delivery
from bot.delivery.thumbnails import Thumbnails
from bot.intake.access import command_allowed_or_answered, log_access
from bot.intake.answers import answer_failed, answer_unexpected
from bot.intake.cast_choice import CastChoice
from bot.intake.cast_commands import CastCommands
from bot.intake.cast_saving import CastSaving
from bot.intake.cast_sharing import CastSharing
from bot.intake.context import Interaction, answering
from bot.intake.forms import DraftForms
from bot.intake.intake import Intake
from bot.jobs.processes.actions import JobActions
from bot.jobs.service import JobService
from bot.media.byte_budget import ByteBudget
from bot.media.cdn import Cdn
from bot.media.inspection.inspector import Inspector
from bot.media.uploads import ReferenceUploads
from bot.models.shards import Share
from bot.moderation.audit_log import AuditLog
from bot.moderation.departures import Departures
from bot.moderation.languages import ServerLanguages
from bot.moderation.privacy import Privacy
from bot.moderation.service import ModerationService
from bot.quotas.service import QuotaService
from bot.settings import Settings
from bot.slots.choice import slot_of
from bot.slots.slot import SlotLost, SlotState
from bot.slots.taking import LeaseTimes
from bot.slots.wanted import WantedTopology
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
    "cogs.language",
    "cogs.report_command",
    "cogs.help",
    "cogs.vidu_check",
    "cogs.privacy",
    "cogs.cast",
    "cogs.save_reference",
    "cogs.fallbacks",
)


class NeedsShards(Exception):  # noqa: N818 - it says what to do
    """Discord wants more than one connection, and this bot can't have them."""


class ViduBot(commands.Bot):
    """One process: one Discord application, one GMI Cloud organization, one database."""

    cdn: Cdn
    storage: Storage
    quota_service: QuotaService
    moderation: ModerationService
    languages: ServerLanguages
    audit_log: AuditLog
    delivery: Delivery
    thumbnails: Thumbnails
    reference_uploads: ReferenceUploads
    job_service: JobService
    job_actions: JobActions
    forms: DraftForms
    intake: Intake
    privacy: Privacy
    departures: Departures
    cast: CastService
    cast_commands: CastCommands
    cast_sharing: CastSharing
    cast_choice: CastChoice
    cast_saving: CastSaving

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        cdn: Cdn | None = None,
        lease_times: LeaseTimes | None = None,
        shards_min: int = 1,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        self.tasks = Tasks(self.clock)
        self.telemetry = Telemetry(settings.http_address, self.clock, self.tasks, settings.price)
        self.metrics = self.telemetry.metrics
        super().__init__(tree_cls=_Tree, http_trace=self.telemetry.trace_discord(), **_least_of_discord())
        self.settings = settings
        self.access = settings.access
        # Whether this process works or waits for another one to end.
        wanted = WantedTopology(
            settings.processes, settings.shard_count, self._recommended_shards, shards_min
        )
        url = settings.database_url.get_secret_value()
        self.slot = slot_of(url, wanted, self.clock, lease_times or LeaseTimes())
        self.telemetry.readiness.standby = lambda: self.slot.state is SlotState.STANDBY
        self.events = EventGuard(self._on_unreadable)
        self.events.protect(self._connection.parsers)
        self.identify_buckets = 1  # in each of which one session at a time may begin
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

    async def serve(self, share: Share) -> None:
        """Let the connections to Discord be those of the slot. Raises NeedsShards where it can't be."""
        if share.shard_count > 1:
            raise NeedsShards

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for this process' turn to begin a session."""
        try:
            await self.slot.wait_to_identify((shard_id or 0) % self.identify_buckets, first=initial)
        except SlotLost:
            # To discord.py anything else is a reason to try again.
            raise asyncio.CancelledError from None

    async def _recommended_shards(self) -> int:
        """Return how many connections Discord recommends. Raises GatewayNotFound."""
        recommended, _, _ = await self.http.get_bot_gateway()
        return recommended

    async def forget_server(self, guild_id: int) -> None:
        """Erase all that the moderators of a server have set and decided. Raises StorageUnavailable."""
        await self.moderation.forget_server(guild_id)
        await self.quota_service.forget_server(guild_id)
        await self.cast.forget_server(guild_id)

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
        forget_ready(self)
        for close in (self.parts.aclose, super().close):
            try:
                await close()
            except Exception:
                log.exception("A part of the bot could not be closed in good order")

    async def leave_gateway(self) -> None:
        """Hear nothing more from Discord."""
        forget_ready(self)
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


def _least_of_discord() -> dict[str, Any]:
    """Return the options of a client that reads no messages, keeps no members and mentions nobody."""
    return {
        "command_prefix": commands.when_mentioned,
        "help_command": None,
        "intents": discord.Intents(guilds=True),
        "allowed_mentions": discord.AllowedMentions.none(),
        "member_cache_flags": discord.MemberCacheFlags.none(),
        "max_messages": None,
    }


class _Tree(app_commands.CommandTree[ViduBot]):
    """Refuses commands where the operator doesn't allow the bot, and answers every one that failed."""

    async def interaction_check(self, interaction: Interaction) -> bool:
        """Tell whether a command may run here; where not, its member is told so."""
        return await command_allowed_or_answered(self.client.access, interaction)

    async def _call(self, interaction: Interaction) -> None:
        """Run a command; what odd data raises is dropped by discord.py, and nobody would answer."""
        try:
            with answering(interaction):
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

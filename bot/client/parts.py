"""What the bot stands on, opened in order; each part is closed before those that it stands on."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from bot.cast.links import CastLinks
from bot.cast.service import CastService
from bot.checks.at_start import log_gmi
from bot.client.connections import may_lead_here, open_connections, open_delivery
from bot.connection.registration import register
from bot.delivery.log_poster import LogMessages
from bot.delivery.thumbnails import Thumbnails
from bot.gmi.client import GmiCloud
from bot.gmi.rate import RequestRate
from bot.intake.attachments import AttachmentReader
from bot.intake.cast_choice import CastChoice
from bot.intake.cast_commands import CastCommands
from bot.intake.cast_pictures import CastPictureReader
from bot.intake.cast_saving import CastSaving
from bot.intake.cast_sharing import CastSharing
from bot.intake.early_checks import EarlyChecks
from bot.intake.forms import DraftForms
from bot.intake.intake import Intake
from bot.intake.server_rules import ServerRules
from bot.jobs.processes.exchange import open_job_actions
from bot.jobs.service import JobService
from bot.jobs.submission.job_cast import JobCast
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.media.cdn import DiscordCdn
from bot.media.download import open_session
from bot.media.uploads import ReferenceUploads
from bot.models.catalog import CATALOG
from bot.moderation.audit_log import AuditLog
from bot.moderation.content_filter import read_file
from bot.moderation.departures import Departures
from bot.moderation.languages import ServerLanguages
from bot.moderation.privacy import Privacy
from bot.moderation.retention import Retention
from bot.moderation.service import ModerationService
from bot.quotas.budgets import Budgets
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.service import QuotaService
from bot.quotas.shared import SharedQuotas
from bot.quotas.warnings import BudgetWarnings
from bot.telemetry.metrics import Readings
from bot.ui.texts.budgets import ceilings_in_force

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

log = logging.getLogger(__name__)

UPLOAD_BYTES = 100 * 1024 * 1024  # of references that wait for their first card, in all


async def open_parts(bot: ViduBot) -> None:
    """Open each part after those that it stands on; each is closed before them."""
    settings = bot.settings
    bot.storage = await bot.parts.enter_async_context(bot.slot.open_storage(metrics=bot.metrics))
    await bot.serve(bot.slot.share)
    # Before the slot is given back: what another process then hears is for that process alone.
    bot.parts.push_async_callback(bot.leave_gateway)
    bot.telemetry.readiness.storage = bot.storage.answers
    session = await bot.parts.enter_async_context(open_connections())
    bot.cdn = bot.given_cdn or DiscordCdn(session, metrics=bot.metrics)
    limiter = QuotaLimiter(
        settings.quota, settings.quota_running, settings.quota_attempts_per_hour, settings.ceilings
    )
    log.info("%s", ceilings_in_force(settings.ceilings))
    warnings = BudgetWarnings(limiter.budgets, bot.storage.budgets, bot.clock, bot.tasks, settings.price)
    bot.quota_service = QuotaService(bot.storage, limiter, warnings, bot.clock, bot.slot.share)
    await _open_moderation(bot)
    bot.audit_log = await _open_log(bot, warnings)
    bot.tasks.supervise(bot.audit_log.batches.run, "write the logs of servers")
    _open_cast(bot)
    await _open_jobs(bot, session, limiter, warnings)
    _open_privacy(bot)
    _open_intake(bot, SharedQuotas(limiter, bot.storage, bot.slot.share), warnings)
    bot.metrics.observe(_readings(bot, limiter.budgets))


async def _open_jobs(
    bot: ViduBot, session: aiohttp.ClientSession, limiter: QuotaLimiter, warnings: BudgetWarnings
) -> None:
    """Open what takes jobs to their end, and take over those of an earlier process."""
    settings = bot.settings
    bot.delivery = await bot.parts.enter_async_context(open_delivery(bot, session))
    bot.thumbnails = Thumbnails(bot.delivery, bot.clock)
    key = settings.gmi_api_key.get_secret_value()
    gmi = GmiCloud(
        session, settings.gmi_base_url, key, settings.gmi_org_id, bot.metrics, may_submit=bot.slot.is_held
    )
    rate = RequestRate(bot.clock, settings.gmi_requests_per_minute, lambda: bot.slot.live_processes)
    bot.job_service = JobService(
        storage=bot.storage,
        quotas=limiter,
        budget_warnings=warnings,
        gmi=gmi,
        delivery=bot.delivery,
        clock=bot.clock,
        tasks=bot.tasks,
        slot=bot.slot,
        files=await _open_references(bot, gmi),
        references_via=settings.references_via,
        model=settings.gmi_model,
        deadline=timedelta(minutes=settings.job_deadline_minutes),
        rate=rate,
        notify_after=_notify_after(settings.notify_after_seconds),
        metrics=bot.metrics,
    )
    await _take_over_jobs(bot, rate)
    bot.tasks.spawn(log_gmi(gmi, CATALOG[settings.gmi_model]), "compare the model with our table")


async def _open_references(bot: ViduBot, gmi: GmiCloud) -> ReferenceFiles:
    """Open what brings the files of jobs, and saved references, to where the provider reads them."""
    files = await bot.parts.enter_async_context(open_session(loopback=may_lead_here(bot)))
    bot.reference_uploads = ReferenceUploads(files, gmi, bot.clock, bot.metrics)
    cast_links = CastLinks(bot.storage.cast, bot.reference_uploads)
    bot.cast_choice = CastChoice(bot.cast, bot.storage.cast, cast_links)
    job_cast = JobCast(bot.cast, cast_links)
    return ReferenceFiles(bot.cdn, bot.reference_uploads, bot.inspector.reencode, bot.delivery, job_cast)


async def _take_over_jobs(bot: ViduBot, rate: RequestRate) -> None:
    """Go on with the jobs of an earlier process, and hear what other processes want of ours."""
    bot.job_service.watch(bot.audit_log.job_changed)
    bot.cast.on_removed = partial(_recheck, bot)
    # Closed after the jobs: it writes how the last ones ended.
    bot.parts.push_async_callback(bot.audit_log.batches.close)
    bot.parts.push_async_callback(bot.job_service.close)
    await bot.job_service.open()
    bot.job_actions = open_job_actions(
        storage=bot.storage,
        jobs=bot.job_service,
        rate=rate,
        slot=bot.slot,
        clock=bot.clock,
        tasks=bot.tasks,
    )


async def _open_moderation(bot: ViduBot) -> None:
    """Open what moderators decide about their servers."""
    filter_file = bot.settings.filter_file
    entries = read_file(filter_file) if filter_file else ()
    bot.moderation = ModerationService(bot.storage.moderation, bot.storage.servers, bot.clock, entries)
    await bot.moderation.load()
    bot.languages = ServerLanguages(bot.moderation, partial(_locale_of, bot))


def _open_intake(bot: ViduBot, quotas: SharedQuotas, warnings: BudgetWarnings) -> None:
    """Open what takes requests in."""
    server_rules = ServerRules(bot.moderation, bot.audit_log)
    files = AttachmentReader(bot.inspector, bot.cdn, bot.upload_bytes)
    bot.forms = DraftForms(bot.storage.drafts, server_rules, bot.access, bot.clock)
    bot.intake = Intake(
        jobs=bot.job_service,
        early_checks=EarlyChecks(bot.job_service.gate, quotas, warnings, files),
        server_rules=server_rules,
        files=files,
        cast=bot.cast_choice,
        forms=bot.forms,
        upload_bytes=bot.upload_bytes,
        clock=bot.clock,
        access=bot.access,
        metrics=bot.metrics,
    )


def _open_cast(bot: ViduBot) -> None:
    """Open what keeps members' references."""
    store, shares = bot.storage.cast, bot.storage.cast_shares
    bot.cast = CastService(store, shares, bot.clock, bot.settings.cast_limits, bot.audit_log.note)
    pictures = CastPictureReader(bot.inspector, bot.cdn)
    bot.cast_commands = CastCommands(bot.cast, store, shares, pictures, bot.moderation)
    bot.cast_sharing = CastSharing(bot.cast, store, bot.cast_commands, bot.moderation)
    bot.cast_saving = CastSaving(bot.cast_commands, bot.storage.drafts, bot.clock)


async def _recheck(bot: ViduBot, reference_id: int) -> None:
    """End what waits with a reference that somebody can't use any more, in the background."""
    # Whoever removed it need not wait, and hears of no trouble: it is asked again right before the POST.
    bot.tasks.spawn(
        bot.job_service.recheck_cast(reference_id), f"check jobs with the reference {reference_id}"
    )


def _open_privacy(bot: ViduBot) -> None:
    """Open what erases data by age and on request."""
    retention = Retention(
        bot.storage,
        bot.job_service.erasure,
        bot.clock,
        timedelta(days=bot.settings.retention_days),
        forget_server=bot.forget_server,
        refresh_logs=bot.audit_log.load,
        share=bot.slot.share,
    )
    bot.privacy = Privacy(bot.storage, retention, bot.clock, bot.cast.forget_member)
    bot.departures = Departures(bot.storage, bot.clock, bot.tasks, bot.cast.forget_server, bot.slot.share)
    bot.tasks.supervise(retention.run, "erase what is old")


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


async def register_commands(bot: ViduBot) -> None:
    """Register the commands with Discord, and note that it is done; of several processes one does."""
    if bot.slot.share.serves(0):
        await register(bot.tree, bot.storage, bot.clock)
    bot.telemetry.readiness.commands_registered = True


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
        share=bot.slot.share,
        languages=bot.languages,
    )
    warnings.on_given = audit_log.budget_warning
    await audit_log.load()
    return audit_log


def _locale_of(bot: ViduBot, guild_id: int) -> object:
    """Return the locale that a server has in Discord, None where the bot isn't in it."""
    guild = bot.get_guild(guild_id)
    return None if guild is None else guild.preferred_locale


def _notify_after(seconds: int) -> timedelta | None:
    return None if seconds < 0 else timedelta(seconds=seconds)

"""The log of a server: what moderators want to hear of, in the language of their server."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from bot.clock import Clock
from bot.models.budgets import BudgetScope, BudgetStatus, Price, WarningLevel
from bot.models.jobs import Job
from bot.models.moderation import ChangeKind, RuleChange
from bot.models.shards import ALL, Share
from bot.moderation.languages import ServerLanguages
from bot.moderation.log_batches import LogBatches
from bot.moderation.log_writer import LogPoster, LogWriter
from bot.moderation.service import ModerationService
from bot.storage.jobs import JobStore
from bot.storage.moderation_log import ModerationLogStore
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui.texts import moderation_log as texts
from bot.ui.texts.budgets import warning_line
from bot.ui.translator import speaking

log = logging.getLogger(__name__)

CHANGES_MAX = 200  # that a list shows; older ones stay in storage


class AuditLog:
    """Takes what moderators want to hear of, and has it written where they chose."""

    def __init__(
        self,
        *,
        moderation: ModerationService,
        store: ModerationLogStore,
        jobs: JobStore,
        poster: LogPoster,
        clock: Clock,
        price: Price | None,
        languages: ServerLanguages,
        share: Share = ALL,
    ) -> None:
        self._moderation = moderation
        self._store = store
        self._writer = LogWriter(moderation, store, jobs, poster, price)
        self.batches = LogBatches(self._writer, clock, self.speaking)
        self._clock = clock
        self._price = price
        self._share = share
        self._languages = languages

    async def load(self) -> None:
        """Look again at the entries whose jobs may have ended meanwhile. Raises StorageUnavailable."""
        for job in await self._writer.read([entry.job_id for entry in await self._store.outdated()]):
            if self._share.is_home_of(job.quota_guild_id):  # else another process writes the log
                self.job_changed(job)

    def speaking(self, guild_id: int) -> AbstractContextManager[None]:
        """Let every sentence in this block be in the language of a server's log."""
        return speaking(self._languages.of(guild_id))

    def note(self, guild_id: int, text: str) -> None:
        """Write this into a server's log, if it has one; the text is made while `speaking` to it."""
        if self._moderation.settings(guild_id).log_channel_id is not None:
            self.batches.add_note(guild_id, text)

    def job_changed(self, job: Job) -> None:
        """Write a job into the log, or how it ended; of a deleted one clear what the log says."""
        # Also where the log was turned off: what was written stays right.
        if job.quota_guild_id is not None and self._moderation.has_settings(job.quota_guild_id):
            self.batches.add_job(job.quota_guild_id, job.id)

    def budget_warning(self, level: WarningLevel, status: BudgetStatus) -> None:
        """Write that a server has used so much of a budget; what others use is not its business."""
        budget = status.budget
        if budget.guild_id is not None and budget.scope is not BudgetScope.BOT:
            with self.speaking(budget.guild_id):
                self.note(budget.guild_id, warning_line(level, status, self._price))

    async def record(
        self,
        guild_id: int,
        by_id: int,
        kind: ChangeKind,
        *,
        target: str = "",
        before: str = "",
        after: str = "",
    ) -> None:
        """Keep a change of a rule, and write it into the log. The change itself is made already.

        Its words are made while `speaking` to the log.
        """
        change = RuleChange(guild_id, by_id, self._clock.now(), kind, target, before, after)
        try:
            await self._store.save_change(change)
        except (StorageUnavailable, StorageFault) as error:
            log.error("Server %s: a change of its rules is not in its list (%s)", guild_id, error)
        with self.speaking(guild_id):
            self.note(guild_id, texts.change_line(change))

    async def changes(self, guild_id: int) -> list[RuleChange]:
        """Return the latest changes of a server's rules, the latest first. Raises StorageUnavailable."""
        return await self._store.changes(guild_id, CHANGES_MAX)

    async def report(self, guild_id: int, text: str, job_id: int) -> bool:
        """Write at once that somebody reported a video; return False where there is no log.

        Raises LogUnwritable, LogUnavailable.
        """
        with self.speaking(guild_id):
            return await self._writer.report(guild_id, text, job_id)

    async def try_out(self, channel_id: int, text: str) -> None:
        """Write into a channel that is to become a log. Raises LogUnwritable, LogUnavailable."""
        await self._writer.try_out(channel_id, text)

    def trouble(self, guild_id: int) -> list[str]:
        """Return what moderators have to know about their log: nothing, as long as it can be written."""
        settings = self._moderation.settings(guild_id)
        if settings.log_channel_id is None or not settings.log_broken:
            return []
        return [texts.log_broken(settings.log_channel_id)]

"""The beginning of a job: it is stored, its first card is shown, and the request is sent."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from bot.jobs.active import log_state
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import JobContext
from bot.jobs.recovery import Recovery
from bot.jobs.submission.starter import DuplicateRequest, Starter, Submission
from bot.models.jobs import Job
from bot.models.quotas import LimitExceeded
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.warnings import BudgetWarnings

log = logging.getLogger(__name__)

TIDY_EVERY = timedelta(hours=1)  # how often what no quota counts any more is dropped from memory


class ShuttingDown(Exception):  # noqa: N818 - it names what happened
    """The bot is about to stop and takes no new work."""


class NewJobs:
    """Takes what members ask for, until the bot stops, and begins all that follows."""

    def __init__(  # noqa: PLR0917 - the parts that have something to do
        self,
        context: JobContext,
        quotas: QuotaLimiter,
        budget_warnings: BudgetWarnings,
        starter: Starter,
        recovery: Recovery,
        notifier: CardNotifier,
    ) -> None:
        self._context = context
        self._jobs = context.jobs
        self._quotas, self._budget_warnings = quotas, budget_warnings
        self._starter = starter
        self._recovery = recovery
        self._notifier = notifier
        self._closing, self._tidied = False, context.clock.now()

    def close(self) -> None:
        """Take nothing more."""
        self._closing = True

    async def start(self, submission: Submission) -> Job:
        """Reserve, store the intent, and send the request in the background.

        Raises LimitExceeded when a quota or a budget does not allow it, DuplicateRequest when it was started
        before, ShuttingDown when the bot is about to stop, SubmitClosed while GMI takes nobody's requests,
        StorageUnavailable when it cannot be stored.
        """
        if self._closing:
            raise ShuttingDown
        now = self._context.clock.now()
        if now - self._tidied > TIDY_EVERY:
            self._quotas.forget_old(now)
            self._tidied = now
        job_id = submission.job_id
        if job_id in self._jobs or await self._context.storage.jobs.get(job_id) is not None:
            raise DuplicateRequest(str(job_id))
        first = not await self._context.storage.jobs.has_earlier(submission.user_id, job_id)
        # Meanwhile: from here to the place nothing awaits, and a stop waits for whoever has a place.
        if self._closing:
            raise ShuttingDown
        try:
            job, placed = await self._starter.start(submission, now, first=first)
        except LimitExceeded as error:
            self._budget_warnings.refused(error)
            raise
        self._jobs.add(job)
        within = partial(self._jobs.log_lines, job_id)
        with within():
            log_state(job, None)
        self._context.metrics.job_started()
        self._jobs.on_change(job)
        self._look_at_budgets(submission.quota_guild_id)
        self._notifier.extras.remember_roles(job_id, submission.role_ids)
        tasks = self._context.tasks
        tasks.spawn(self._show_first(job_id, submission), f"first card of job {job_id}", within=within)
        tasks.spawn(self._recovery.submit(job_id, placed=placed), f"submit job {job_id}", within=within)
        return job

    def _look_at_budgets(self, guild_id: int | None) -> None:
        """Have warnings given that are due; where other processes use a budget too, once it is counted."""

        async def count_and_look() -> None:
            await self._starter.shared.count_budgets(guild_id, self._context.clock.now())
            self._budget_warnings.look(guild_id)

        if self._context.slot.share.is_all:
            self._budget_warnings.look(guild_id)
        else:
            self._context.tasks.spawn(count_and_look(), "count budgets")

    async def _show_first(self, job_id: int, submission: Submission) -> None:
        """Show the first card; the references leave memory with it, or with the last attempt."""
        try:
            await self._notifier.show(job_id, submission.uploads)
        except Exception:
            log.exception("Job %s: the first card could not be shown", job_id)
            self._notifier.schedule_show(job_id)
        finally:
            submission.release()

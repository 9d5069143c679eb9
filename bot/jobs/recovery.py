"""Go on with jobs from what storage says of them: after a restart, and after a failure nobody expected."""

from __future__ import annotations

import logging
from functools import partial

from bot.clock import sleep
from bot.jobs.active import is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import BACKOFF_FIRST, JobContext
from bot.jobs.deletion import Deletion
from bot.jobs.lifecycle import Lifecycle
from bot.jobs.submission.deadlines import LATE_RESULTS
from bot.jobs.submission.submitter import Submitter
from bot.models.jobs import Job, PendingReply
from bot.telemetry.job_lines import ids_of_pending, job_lines

log = logging.getLogger(__name__)


class Recovery:
    """Takes up jobs wherever they were left."""

    def __init__(
        self,
        context: JobContext,
        submitter: Submitter,
        lifecycle: Lifecycle,
        notifier: CardNotifier,
        deletion: Deletion,
    ) -> None:
        self._context = context
        self._submitter = submitter
        self._lifecycle = lifecycle
        self._notifier = notifier
        self._deletion = deletion
        lifecycle.on_resubmission = self._submit_soon
        self._pending_replies: list[PendingReply] = []
        self._unfinished: list[Job] = []

    async def load(self) -> None:
        """Read what an earlier process left of what belongs to this one."""
        storage, share = self._context.storage, self._context.slot.share
        self._pending_replies = await storage.replies.all(share)
        self._unfinished = await storage.jobs.unfinished(share)
        for job in self._unfinished:
            self._context.jobs.add(job)

    def resume_all(self) -> None:
        """Go on with everything that was read."""
        clock = self._context.clock
        until = clock.now() + LATE_RESULTS
        for pending in self._pending_replies:
            self._context.tasks.persist(
                partial(self._notifier.report_lost_request, pending),
                f"report the lost request {pending.id}",
                wanted=lambda: clock.now() < until,
                within=partial(job_lines, partial(ids_of_pending, pending)),
            )
        for job in self._unfinished:
            self.resume(job)
        self._pending_replies, self._unfinished = [], []

    def resume(self, job: Job) -> None:
        """Go on with one job from its state; nothing that may have been sent is sent again."""
        if job.deleted_at is not None:
            self._deletion.schedule_removal(job.id)
        elif is_waiting_to_be_sent(job):
            self._submit_soon(job.id)
        else:
            self._lifecycle.go_on(job)

    def _submit_soon(self, job_id: int) -> None:
        within = partial(self._context.jobs.log_lines, job_id)
        self._context.tasks.spawn(self.submit(job_id), f"submit job {job_id}", within=within)

    async def submit(self, job_id: int, *, placed: bool = False) -> None:
        """Send a job; after a failure that nobody expected go on as after a restart: never a second POST."""
        try:
            await self._submitter.send(job_id, placed=placed)
        except Exception:
            log.exception("Job %s: could not be sent in the usual way", job_id)
            self._context.keep_trying(job_id, partial(self._resume_later, job_id), "resumption")

    async def _resume_later(self, job_id: int) -> None:
        await sleep(self._context.clock, BACKOFF_FIRST)  # what failed may fail again: not in a tight loop
        job = self._context.jobs.get(job_id)
        if job is not None:
            self.resume(job)

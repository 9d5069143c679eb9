"""What a status of GMI Cloud does to a job, and what follows from the state that a job is in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from bot.gmi.client import RequestStatus
from bot.jobs.active import Condition
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.cards.poster import VideoPoster
from bot.jobs.context import JobContext
from bot.jobs.submission.deadlines import polled_until
from bot.jobs.submission.link_policy import failed_for_good
from bot.models.jobs import Job, can_move
from bot.models.states import FOLLOWED, Reason, State
from bot.polling.poller import StatusPoller
from bot.polling.schedule.history import EstimatorHistory
from bot.storage.storage import StorageFault

log = logging.getLogger(__name__)


class Lifecycle:
    """Moves jobs by what GMI says of them, and has everything done that follows."""

    def __init__(
        self,
        context: JobContext,
        poller: StatusPoller,
        notifier: CardNotifier,
        poster: VideoPoster,
        history: EstimatorHistory,
    ) -> None:
        self._context = context
        self._jobs = context.jobs
        self._poller = poller
        self._notifier = notifier
        self._poster = poster
        self._history = history
        self.on_resubmission: Callable[[int], None] = lambda _: None  # sends a job that waits

    def go_on(self, job: Job) -> None:
        """Have done whatever the state of a job that is not waiting to be sent asks for."""
        if job.state is State.DELIVERED:
            self._poster.complete(job)
            return
        if job.state is State.SUCCEEDED and not job.awaits_link:
            self._poster.schedule_delivery(job.id)
        else:
            self.poll(job)
            self._notifier.extras.expect(job)
        if not job.acknowledged and (not job.is_open or job.state in {State.OVERDUE, State.UNCONFIRMED}):
            self._notifier.schedule_final(job.id)

    async def accept(self, job_id: int, status: RequestStatus) -> None:
        """Take over a request that GMI has, in whatever state it already is.

        Where storage refuses that, the request is asked about by the ID that only memory knows: every answer
        is another attempt to save it.
        """
        try:
            await self._accept(job_id, status)
        except StorageFault:
            job = replace(self._jobs[job_id], request_id=status.request_id)
            self.poll(job)
            self._notifier.show_unsaved(_as_reported(job, status, self._context.clock.now()))

    async def _accept(self, job_id: int, status: RequestStatus) -> None:
        unexplained = status.state is State.FAILED and status.reason is None
        if unexplained or status.state in {None, State.QUEUED, State.PROCESSING}:
            state = State.PROCESSING if status.state is State.PROCESSING else State.QUEUED
            job = await self._jobs.transition(job_id, state, request_id=status.request_id)
            self.poll(job, unexplained=status if unexplained else None)
            self._notifier.schedule_show(job_id)
        else:
            await self.apply(job_id, status)

    async def apply(self, job_id: int, status: RequestStatus) -> None:
        """Let a status of GMI move the job, where the table allows it."""
        job, state = self._jobs[job_id], status.state
        if state is None or not can_move(job, state):
            return
        if state is State.SUCCEEDED and not status.results:
            if not job.awaits_link:
                self.poll(await self._jobs.transition(job_id, state, request_id=status.request_id))
        elif state is State.SUCCEEDED:
            await self._jobs.transition(job_id, state, request_id=status.request_id, results=status.results)
            self._poller.drop(job_id)
            self._poster.schedule_delivery(job_id)
            self._context.link_policy.note_success(job)
            self._context.tasks.spawn(self._history.save(), "keep what was learned")
        elif state in FOLLOWED:
            await self._jobs.transition(job_id, state)
            self._notifier.schedule_show(job_id)
        else:
            reason = status.reason or Reason.FAILED
            await self.end(job_id, state, reason, status.detail, request_id=status.request_id)

    async def end(
        self,
        job_id: int,
        state: State,
        reason: Reason,
        detail: str | None = None,
        *,
        request_id: str | None = None,
        only_if: Condition | None = None,
    ) -> None:
        """Close the job without a video and say why; or have it sent once more, where uploads may help.

        Raises IllegalTransition where the condition does not hold.
        """
        if reason is Reason.DOWNLOAD:
            job, policy = self._jobs[job_id], self._context.link_policy
            policy.note_failure(job)
            if policy.may_resend(job):
                await self._resubmit(job_id, request_id, detail)
                return
            reason = failed_for_good(job, detail)
        await self._jobs.transition(
            job_id, state, only_if=only_if, reason=reason, detail=detail, request_id=request_id
        )
        self._poller.drop(job_id)
        self._notifier.schedule_final(job_id)

    async def _resubmit(self, job_id: int, request_id: str | None, detail: str | None) -> None:
        """Store that a job is to be sent once more, and begin with its uploads."""
        job = await self._jobs.resubmit(job_id, request_id=request_id, detail=detail)
        log.info("Job %s: its files could not be fetched: they are uploaded, and it is sent again", job.id)
        self._poller.drop(job_id)
        self._notifier.schedule_show(job_id)
        self.on_resubmission(job_id)

    def poll(self, job: Job, *, unexplained: RequestStatus | None = None) -> None:
        """Ask about a job, or look for it, until the moment that its state allows."""
        until = polled_until(job, self._context.clock.now(), self._context.deadline)
        if until is not None:
            self._poller.track(job, until, unexplained=unexplained)
        else:
            self._poller.drop(job.id)


def _as_reported(job: Job, status: RequestStatus, now: datetime) -> Job:
    """Return how a card shows what GMI says; an end waits until it can be saved."""
    state = status.state if status.state in {State.PROCESSING, State.SUCCEEDED} else State.QUEUED
    return replace(job, state=state, state_since=now, results=status.results)

"""What a status of GMI Cloud does to a job, and what a deadline does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.clock import sleep
from bot.gmi.client import RequestStatus
from bot.jobs.active import Condition, is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.cards.poster import VideoPoster
from bot.jobs.context import JobContext
from bot.jobs.submission.deadlines import polled_until
from bot.jobs.submission.link_policy import failed_for_good
from bot.models.jobs import Job, can_move
from bot.models.states import FOLLOWED, Reason, State
from bot.polling.poller import StatusPoller, StatusUpdate
from bot.polling.schedule.history import EstimatorHistory
from bot.storage.storage import StorageFault

log = logging.getLogger(__name__)

AFTER_TROUBLE = 30.0  # seconds before a job whose update failed is asked about again


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

    async def run(self) -> None:
        """Take every update of the poller, for ever."""
        async for update in self._poller.updates():
            with self._jobs.log_lines(update.job_id):
                await self._receive_safely(update)

    async def _receive_safely(self, update: StatusUpdate) -> None:
        try:
            await self.receive(update)
        except Exception:
            # One job's trouble must not stop the others; storage still has its last good state.
            log.exception("Job %s: an update could not be taken", update.job_id)
            self._poller.drop(update.job_id)  # it would bring the same at once
            work = partial(self._go_on_later, update.job_id)
            self._context.keep_trying(update.job_id, work, "resumption")

    async def _go_on_later(self, job_id: int) -> None:
        await sleep(self._context.clock, AFTER_TROUBLE)
        if (job := self._jobs.get(job_id)) is not None:
            self.go_on(job)

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

    async def receive(self, update: StatusUpdate) -> None:
        """Take one update: a status of GMI, or that a deadline has passed."""
        job = self._jobs.get(update.job_id)
        if job is None:
            self._poller.drop(update.job_id)
        elif is_waiting_to_be_sent(job) or _is_of_first_request(job, update.status):
            pass  # an answer about the first request, on its way while the second one began
        elif update.status is None:
            await self._time_is_up(job)
        elif job.request_id is None:
            log.info("Job %s: found as %s", job.id, update.status.request_id)
            self._context.gate.found(job.id)
            await self.accept(job.id, update.status)
        else:
            await self.apply(job.id, update.status)

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

    async def _time_is_up(self, job: Job) -> None:
        """Show the member first, look on for a day, and close the job then."""
        if job.awaits_link:
            await self._link_is_missing(job)
            return
        if job.state in {State.OVERDUE, State.UNCONFIRMED}:
            # The card has said all along that nothing may come of it.
            job = await self._jobs.transition(job.id, State.FAILED, reason=job.reason, acknowledged=True)
            self._poller.drop(job.id)
            self._notifier.close_if_done(job)
            return
        lost = job.request_id is None
        state, reason = (State.UNCONFIRMED, Reason.UNCLEAR) if lost else (State.OVERDUE, Reason.DEADLINE)
        self.poll(await self._jobs.transition(job.id, state, reason=reason))
        self._notifier.schedule_final(job.id)

    async def _link_is_missing(self, job: Job) -> None:
        """Show that a finished video has no link yet, or give it up when its time is over."""
        if job.reason is Reason.NO_RESULT:
            await self.end(job.id, State.FAILED, Reason.NO_RESULT)
            return
        self.poll(await self._jobs.update(job.id, lambda latest: replace(latest, reason=Reason.NO_RESULT)))
        self._notifier.schedule_show(job.id)

    def poll(self, job: Job, *, unexplained: RequestStatus | None = None) -> None:
        """Ask about a job, or look for it, until the moment that its state allows."""
        until = polled_until(job, self._context.clock.now(), self._context.deadline)
        if until is not None:
            self._poller.track(job, until, unexplained=unexplained)
        else:
            self._poller.drop(job.id)


def _is_of_first_request(job: Job, status: RequestStatus | None) -> bool:
    return status is not None and status.request_id == job.earlier_request_id


def _as_reported(job: Job, status: RequestStatus, now: datetime) -> Job:
    """Return how a card shows what GMI says; an end waits until it can be saved."""
    state = status.state if status.state in {State.PROCESSING, State.SUCCEEDED} else State.QUEUED
    return replace(job, state=state, state_since=now, results=status.results)

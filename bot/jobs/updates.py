"""Takes the updates of the poller: a status of GMI Cloud, or that a deadline has passed."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial

from bot.clock import sleep
from bot.gmi.client import RequestStatus
from bot.jobs.active import is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import JobContext
from bot.jobs.lifecycle import Lifecycle
from bot.models.jobs import Job
from bot.models.states import Reason, State
from bot.polling.poller import StatusPoller, StatusUpdate

log = logging.getLogger(__name__)

AFTER_TROUBLE = 30.0  # seconds before a job whose update failed is asked about again


class UpdateReceiver:
    """Hands what GMI says to the lifecycle of the job, and looks after jobs whose time is up."""

    def __init__(
        self, context: JobContext, poller: StatusPoller, lifecycle: Lifecycle, notifier: CardNotifier
    ) -> None:
        self._context = context
        self._jobs = context.jobs
        self._poller = poller
        self._lifecycle = lifecycle
        self._notifier = notifier

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
            self._lifecycle.go_on(job)

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
            await self._lifecycle.accept(job.id, update.status)
        else:
            await self._lifecycle.apply(job.id, update.status)

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
        self._lifecycle.poll(await self._jobs.transition(job.id, state, reason=reason))
        self._notifier.schedule_final(job.id)

    async def _link_is_missing(self, job: Job) -> None:
        """Show that a finished video has no link yet, or give it up when its time is over."""
        if job.reason is Reason.NO_RESULT:
            await self._lifecycle.end(job.id, State.FAILED, Reason.NO_RESULT)
            return
        self._lifecycle.poll(
            await self._jobs.update(job.id, lambda latest: replace(latest, reason=Reason.NO_RESULT))
        )
        self._notifier.schedule_show(job.id)


def _is_of_first_request(job: Job, status: RequestStatus | None) -> bool:
    return status is not None and status.request_id == job.earlier_request_id

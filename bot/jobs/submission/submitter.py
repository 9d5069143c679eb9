"""The way of a stored job to GMI Cloud: its place, its pauses, and the one POST.

A job with `waiting_until` was certainly not sent. That is removed in storage right before the POST: from then
on only GMI's answer can show whether it was, and no crash makes it be sent a second time.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from datetime import datetime
from functools import partial

from bot.gmi.client import GmiCloud, GmiError, SubmitOutcome
from bot.gmi.rate import RequestRate, Traffic
from bot.jobs.active import is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import BACKOFF_FIRST, BACKOFF_MAX, JobContext
from bot.jobs.lifecycle import Lifecycle
from bot.jobs.submission.link_preparation import LinkPreparation, Prepared
from bot.jobs.submission.pauses import Pauses
from bot.jobs.submission.places import Places
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.jobs.submission.submit_gate import SubmitClosed
from bot.models.jobs import IllegalTransition, Job
from bot.models.states import Reason, State

log = logging.getLogger(__name__)

PARALLEL_SUBMITS = 8  # POSTs on their way at once


class Submitter:
    """Sends jobs that are stored, each once."""

    def __init__(
        self,
        context: JobContext,
        gmi: GmiCloud,
        files: ReferenceFiles,
        lifecycle: Lifecycle,
        notifier: CardNotifier,
        *,
        rate: RequestRate,
    ) -> None:
        self._jobs = context.jobs
        self._clock = context.clock
        self._metrics = context.metrics
        self._deadline = context.deadline
        self._gate = context.gate
        self._slot = context.slot
        self._gmi = gmi
        self._rate = rate
        self._lifecycle = lifecycle
        self._notifier = notifier
        self._pauses = Pauses(context, lifecycle, notifier)
        self._files = files
        self._links = LinkPreparation(context, files, lifecycle, notifier, self._pauses)
        self._places = Places(context.clock, PARALLEL_SUBMITS, context.in_flight)
        self._closing = False

    def take_place(self) -> bool:
        """Take a place to send from, if one is free this moment; `send` or `leave_place` gives it back."""
        return self._places.take_at_once()

    def leave_place(self) -> None:
        """Give a place back."""
        self._places.leave()

    def close(self) -> None:
        """Begin nothing more: whoever waits is sent by the next process."""
        self._closing = True

    async def send(self, job_id: int, *, placed: bool = False) -> None:
        """Send the one POST; again only when the last one certainly did not arrive.

        `placed` means that the job has its place already.
        """
        pause = BACKOFF_FIRST
        while True:
            if not placed:
                await self._pauses.wait(job_id)
                prepared = await self._links.prepare(job_id, pause)
                if prepared is Prepared.NO:
                    self._gate.release(job_id)
                    return
                if prepared is Prepared.LATER:
                    pause = min(pause * 2, BACKOFF_MAX)
                    continue
                if not self._places.take_at_once():
                    await self._pauses.end(job_id)
                    await self._places.take()
            placed = False
            try:
                again = await self._attempt(job_id, pause)
            finally:
                self._places.leave()
            if not again:
                return
            pause = min(pause * 2, BACKOFF_MAX)

    async def _attempt(self, job_id: int, pause: float) -> bool:
        """Send the POST, if it is still to be sent; return whether to try again once the pause is over."""
        if self._must_pause(job_id):
            seconds = self._rate.pause_left(Traffic.SUBMITS)
            return await self._pauses.begin(job_id, Reason.RATE, seconds, pause)
        if not await self._prepare(job_id):
            self._gate.release(job_id)
            return False
        job = self._jobs[job_id]
        if not await self._slot.confirm():
            log.error("Job %s: not sent, because another process may have taken over", job_id)
            return False
        try:
            status = await self._gmi.submit(job.model, job.payload)
        except GmiError as error:
            log.warning("Job %s: submit: %s: %s", job_id, error.outcome, error)
            self._metrics.submitted(error.outcome.name.lower())
            if error.outcome is SubmitOutcome.NOT_SENT:
                self._rate.met(Traffic.SUBMITS, error)
                return await self._pauses.begin(job_id, error.reason, error.retry_after, pause)
            if error.outcome is SubmitOutcome.UNCLEAR:
                self._lifecycle.poll(self._jobs[job_id])
            else:
                if error.concerns_everybody:
                    self._gate.close(error.reason)  # before the next one gets this place
                await self._lifecycle.end(job_id, State.REFUSED, error.reason, error.detail)
            return False
        self._metrics.submitted("accepted")
        self._gate.open()
        await self._lifecycle.accept(job_id, status)
        return False

    def _must_pause(self, job_id: int) -> bool:
        """Tell whether a job that is still to be sent has to wait, because GMI asked another one to."""
        job = self._jobs.get(job_id)
        waits = job is not None and job.state is State.SUBMITTING
        return waits and self._rate.pause_left(Traffic.SUBMITS) > 0

    async def _prepare(self, job_id: int) -> bool:
        """Tell whether the job is to be sent now; where its time or the gate forbids that, end it."""
        job = self._jobs.get(job_id)
        if job is None or job.state is not State.SUBMITTING:
            return False  # cancelled while it waited
        try:
            self._gate.admit(job_id)
        except SubmitClosed as closed:
            await self._lifecycle.end(job_id, State.REFUSED, closed.reason)
            return False
        if not await self._files.may_use_cast(job):
            await self._lifecycle.end(job_id, State.REFUSED, Reason.CAST)
            return False
        if job.waiting_until is not None and not await self._begin(job):
            return False
        if self._clock.now() > job.created_at + self._deadline:
            await self._lifecycle.end(job_id, State.REFUSED, job.reason or Reason.NOT_SENT)
            return False
        return True

    async def recheck_cast(self, job: Job) -> None:
        """End a job that waits to be sent if its member can't use one of its saved references any more."""
        if not await self._files.may_use_cast(job):
            with contextlib.suppress(IllegalTransition):  # it is being sent, or was cancelled
                await self._lifecycle.end(job.id, State.REFUSED, Reason.CAST, only_if=is_waiting_to_be_sent)

    async def _begin(self, job: Job) -> bool:
        """Store that a job may be sent from now on; False where it is not to be."""
        if self._closing:
            return False
        try:
            now = self._clock.now()
            await self._jobs.update(job.id, partial(_begun, now=now), only_if=is_waiting_to_be_sent)
        except IllegalTransition:
            return False  # cancelled this very moment
        if job.reason is not None:
            self._notifier.schedule_show(job.id)
        return True


def _begun(job: Job, now: datetime) -> Job:
    resent_at = None if job.resent_at is None else now  # the moment before the POST: it is looked for from it
    return replace(job, waiting_until=None, reason=None, resent_at=resent_at)

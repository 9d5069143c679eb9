"""The way of a written job to GMI Cloud: its place, its pauses, and the one POST.

A job with `waiting_until` was certainly not sent. That is taken back in the ledger right before the POST:
from then on only GMI's answer can tell, and no crash makes it be sent a second time.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.clock import Clock, sleep
from bot.gmi.client import GmiCloud, GmiError, RequestStatus, SubmitOutcome
from bot.jobs.active import ActiveJobs
from bot.jobs.notifier import BACKOFF_FIRST, BACKOFF_MAX
from bot.models.jobs import IllegalTransition, Job, Reason, State
from bot.polling.poller import StatusPoller

log = logging.getLogger(__name__)

SEARCH = timedelta(minutes=1)  # how long a lost POST is looked for before the member is told
PARALLEL_SUBMITS = 8  # POSTs on their way at once

Accept = Callable[[int, RequestStatus], Awaitable[None]]
End = Callable[[int, State, Reason, str | None], Awaitable[None]]


class Submitter:
    """Sends jobs that are written down, each once."""

    def __init__(
        self,
        gmi: GmiCloud,
        jobs: ActiveJobs,
        poller: StatusPoller,
        clock: Clock,
        deadline: timedelta,
        *,
        accept: Accept,
        end: End,
        show: Callable[[int], None],
    ) -> None:
        self._gmi = gmi
        self._jobs = jobs
        self._poller = poller
        self._clock = clock
        self._deadline = deadline
        self._accept = accept  # called with what GMI answered
        self._end = end  # called with why there will be no answer
        self._show = show  # called when the card has something new to say
        self._places = _Places(clock, PARALLEL_SUBMITS)
        self._closing = False

    @property
    def sending(self) -> int:
        """Return how many jobs are on their way, which a stop should let arrive."""
        return self._places.taken

    def take_place(self) -> bool:
        """Take a place to send from, if one is free this moment; `send` or `leave_place` gives it back."""
        return self._places.take_at_once()

    def leave_place(self) -> None:
        """Give a place back."""
        self._places.leave()

    def close(self) -> None:
        """Begin nothing more: who waits is sent by the next process."""
        self._closing = True

    async def send(self, job_id: int, *, placed: bool = False) -> None:
        """Send the one POST; again only when the last one certainly did not arrive.

        `placed` tells that the job has its place already.
        """
        pause = BACKOFF_FIRST
        while True:
            if not placed:
                await self._wait(job_id)
                await self._places.take()
            placed = False
            try:
                again = await self._attempt(job_id, pause)
            finally:
                self._places.leave()
            if not again:
                return
            pause = min(pause * 2, BACKOFF_MAX)

    async def _wait(self, job_id: int) -> None:
        """Wait until GMI's pause is over, also one that an earlier process was told of."""
        while (job := self._jobs.get(job_id)) is not None and job.waiting_until is not None:
            seconds = (job.waiting_until - self._clock.now()).total_seconds()
            if seconds <= 0:
                return
            await sleep(self._clock, seconds)

    async def _attempt(self, job_id: int, pause: float) -> bool:
        """Send the POST, if it is still to be sent; tell whether to try again, once the pause is over."""
        job = self._jobs.get(job_id)
        if job is None or job.state is not State.SUBMITTING:
            return False  # cancelled while it waited
        if job.waiting_until is not None and not await self._begin(job_id):
            return False
        if self._clock.now() > job.created_at + self._deadline:
            await self._end(job_id, State.REFUSED, job.reason or Reason.NOT_SENT, None)
            return False
        try:
            report = await self._gmi.submit(job.model, job.request.payload())
        except GmiError as error:
            log.warning("Job %s: submit: %s: %s", job_id, error.outcome, error)
            if error.outcome is SubmitOutcome.NOT_SENT:
                return await self._pause(job_id, error, pause)
            if error.outcome is SubmitOutcome.UNCLEAR:
                self._poller.track(self._jobs[job_id], self._clock.now() + SEARCH)
            else:
                await self._end(job_id, State.REFUSED, error.reason, error.detail)
            return False
        await self._accept(job_id, report)
        return False

    async def _begin(self, job_id: int) -> bool:
        """Write down that a job may be sent from now on; False where it is not to be."""
        if self._closing:
            return False
        try:
            await self._jobs.note(job_id, only_if=waits, waiting_until=None, reason=None)
        except IllegalTransition:
            return False  # cancelled this very moment
        return True

    async def _pause(self, job_id: int, error: GmiError, pause: float) -> bool:
        """Write down until when to wait, and let the card say so; False if time will be up by then."""
        # Jitter only adds: many jobs get the same number, and nobody may come back too early.
        seconds = (error.retry_after or pause) * random.uniform(1.0, 1.25)  # noqa: S311
        until = self._clock.now() + timedelta(seconds=seconds)
        if until > self._jobs[job_id].created_at + self._deadline:
            await self._end(job_id, State.REFUSED, error.reason, error.detail)
            return False
        await self._jobs.note(job_id, waiting_until=until, reason=error.reason)
        self._show(job_id)
        return True


def waits(job: Job) -> bool:
    """Tell whether the job waits to be sent: then it certainly was not."""
    return job.state is State.SUBMITTING and job.waiting_until is not None


class _Places:
    """So many places; who waits for one gets it in turn."""

    def __init__(self, clock: Clock, number: int) -> None:
        self._clock = clock
        self._free = number
        self._waiting: deque[asyncio.Event] = deque()
        self.taken = 0

    def take_at_once(self) -> bool:
        if not self._free:
            return False
        self._free -= 1
        self.taken += 1
        return True

    async def take(self) -> None:
        if self.take_at_once():
            return
        turn = asyncio.Event()
        self._waiting.append(turn)
        try:
            await self._clock.wait(turn, None)
        except asyncio.CancelledError:
            if turn.is_set():
                self.leave()
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()  # the place changes hands
        else:
            self._free += 1
            self.taken -= 1

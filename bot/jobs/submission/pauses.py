"""The pauses of a job that waits to be sent: stored, so that they outlive a restart."""

from __future__ import annotations

import contextlib
import random
from dataclasses import replace
from datetime import datetime, timedelta

from bot.clock import sleep
from bot.jobs.active import is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import JobContext
from bot.jobs.lifecycle import Lifecycle
from bot.models.jobs import IllegalTransition, Job
from bot.models.states import Reason, State


class Pauses:
    """Lets jobs wait, and their cards say why and until when."""

    def __init__(self, context: JobContext, lifecycle: Lifecycle, notifier: CardNotifier) -> None:
        self._jobs = context.jobs
        self._clock = context.clock
        self._deadline = context.deadline
        self._lifecycle = lifecycle
        self._notifier = notifier

    async def begin(self, job_id: int, reason: Reason, retry_after: float | None, pause: float) -> bool:
        """Store until when to wait, and let the card say so; False if time will be up by then.

        It is as long as was asked for, or else `pause` seconds.
        """
        # Jitter only adds: many jobs get the same number, and nobody may come back too early.
        seconds = (retry_after or pause) * random.uniform(1.0, 1.25)  # noqa: S311
        until = self._clock.now() + timedelta(seconds=seconds)
        if until > self._jobs[job_id].created_at + self._deadline:
            await self._lifecycle.end(job_id, State.REFUSED, reason)
            return False
        with contextlib.suppress(IllegalTransition):  # cancelled this very moment
            await self._jobs.update(job_id, lambda job: _paused(job, until, reason), only_if=_is_submitting)
            self._notifier.schedule_show(job_id)
        return True

    async def wait(self, job_id: int) -> None:
        """Wait until the pause is over, also one that an earlier process heard of."""
        while (job := self._jobs.get(job_id)) is not None and job.waiting_until is not None:
            seconds = (job.waiting_until - self._clock.now()).total_seconds()
            if seconds <= 0:
                return
            await sleep(self._clock, seconds)

    async def end(self, job_id: int) -> None:
        """Let the card of a job that still waits, but not for a moment, name none that has passed."""
        job = self._jobs.get(job_id)
        if job is not None and job.reason is not None:
            with contextlib.suppress(IllegalTransition):  # cancelled this very moment
                await self._jobs.update(job_id, _unexplained, only_if=is_waiting_to_be_sent)
            self._notifier.schedule_show(job_id)


def _is_submitting(job: Job) -> bool:
    return job.state is State.SUBMITTING


def _unexplained(job: Job) -> Job:
    return replace(job, reason=None)


def _paused(job: Job, until: datetime, reason: Reason) -> Job:
    return replace(job, waiting_until=until, reason=reason)

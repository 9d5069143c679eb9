"""When the videos of open jobs should be ready: one moment for each state, and word of it once it passes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.models.jobs import Job
from bot.models.states import State
from bot.polling.schedule.estimator import DurationEstimator, Span
from bot.polling.schedule.timers import TimerQueue

_SPANS = {State.QUEUED: Span.IN_ALL, State.PROCESSING: Span.RENDERING}


@dataclass(frozen=True, slots=True)
class _Moment:
    state: State
    since: datetime
    at: datetime


class ReadyTimes:
    """Estimates the moment of each job once a state, so that it does not move while members count on it."""

    def __init__(self, estimator: DurationEstimator, clock: Clock) -> None:
        self._estimator = estimator
        self._clock = clock
        self._moments: dict[int, _Moment] = {}
        self._timers = TimerQueue()
        self._wake = asyncio.Event()

    def expect(self, job: Job) -> datetime | None:
        """Return when the job's video should be ready, None in a state that tells nothing of that.

        Once that moment has come, or now if it is past, `run` names the job.
        """
        span = _SPANS.get(job.state)
        if span is None or job.state_since is None:
            self.forget(job.id)
            return None
        known = self._moments.get(job.id)
        if known is not None and (known.state, known.since) == (job.state, job.state_since):
            return known.at
        usual = self._estimator.usual(job.model, job.request.duration, span)
        at = job.state_since + timedelta(seconds=usual)
        self._moments[job.id] = _Moment(job.state, job.state_since, at)
        self._timers.put(job.id, at)
        self._wake.set()
        return at

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job."""
        self._moments.pop(job_id, None)
        self._timers.remove(job_id)

    async def run(self, passed: Callable[[int], None]) -> None:
        """Call this with every job whose moment has passed, for ever."""
        while True:
            self._wake.clear()
            now, earliest = self._clock.now(), self._timers.next()
            seconds = None if earliest is None else max(0.0, (earliest - now).total_seconds())
            await self._clock.wait(self._wake, seconds)
            for job_id in self._timers.take_due(self._clock.now()):
                passed(job_id)

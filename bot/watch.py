"""Follow all submitted jobs and yield what changes."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.gmi import GmiCloud, GmiError, Report
from bot.jobs import Job, State
from bot.pacing import interval

log = logging.getLogger(__name__)

PARALLEL_REQUESTS = 8  # status questions on their way at once


@dataclass(frozen=True, slots=True)
class News:
    """What has changed about one job: GMI's report, or that its deadline has passed."""

    job_id: int
    report: Report | None
    at: datetime


@dataclass(slots=True)
class _Followed:
    job_id: int
    request_id: str
    since: datetime
    deadline: datetime | None  # None once it has been told
    state: State


class Watch:
    """Asks GMI Cloud about every job that it follows, at its own pace each."""

    def __init__(self, gmi: GmiCloud, clock: Clock) -> None:
        self._gmi = gmi
        self._clock = clock
        self._followed: dict[int, _Followed] = {}
        self._due: list[tuple[datetime, int]] = []  # a heap; entries of jobs no longer followed are skipped
        self._wake = asyncio.Event()

    def follow(self, job: Job, deadline: datetime | None) -> None:
        """Ask about this job from now on; news of the deadline comes once, None expects none."""
        assert job.request_id is not None, "only an accepted job can be followed"
        self._followed[job.id] = _Followed(job.id, job.request_id, job.created_at, deadline, job.state)
        self._schedule(self._followed[job.id], self._clock.now())

    def drop(self, job_id: int) -> None:
        """Ask no more about this job."""
        self._followed.pop(job_id, None)

    async def news(self) -> AsyncIterator[News]:
        """Yield what changes, for ever."""
        while True:
            self._wake.clear()
            await self._clock.wait(self._wake, self._until_next())
            due = self._take_due()
            for start in range(0, len(due), PARALLEL_REQUESTS):
                batch = due[start : start + PARALLEL_REQUESTS]
                for news in await asyncio.gather(*(self._ask(followed) for followed in batch)):
                    if news is not None:
                        yield news

    async def _ask(self, followed: _Followed) -> News | None:
        report: Report | None = None
        pause: float | None = None
        try:
            report = await self._gmi.status(followed.request_id)
        except GmiError as error:
            # Trouble with the question says nothing about the job: it stays open until its deadline.
            pause = error.retry_after
            log.warning("Job %s: no status (%s)", followed.job_id, error)
        now = self._clock.now()
        if self._followed.get(followed.job_id) is not followed:
            return None
        overdue = followed.deadline is None
        self._schedule(followed, now, at_least=pause, overdue=overdue)
        if report is not None and report.state not in {None, followed.state}:
            assert report.state is not None
            followed.state = report.state
            return News(followed.job_id, report, now)
        if followed.deadline is not None and now >= followed.deadline:
            followed.deadline = None
            return News(followed.job_id, None, now)
        return None

    def _schedule(
        self, followed: _Followed, now: datetime, *, at_least: float | None = None, overdue: bool = False
    ) -> None:
        seconds = interval((now - followed.since).total_seconds(), overdue=overdue)
        at = now + timedelta(seconds=max(seconds, at_least or 0.0))
        if followed.deadline is not None and now < followed.deadline:
            at = min(at, followed.deadline)
        heapq.heappush(self._due, (at, followed.job_id))
        if self._due[0] == (at, followed.job_id):
            self._wake.set()

    def _until_next(self) -> float | None:
        return None if not self._due else max(0.0, (self._due[0][0] - self._clock.now()).total_seconds())

    def _take_due(self) -> list[_Followed]:
        now = self._clock.now()
        due: dict[int, _Followed] = {}
        while self._due and self._due[0][0] <= now:
            _, job_id = heapq.heappop(self._due)
            followed = self._followed.get(job_id)
            if followed is not None:
                due[job_id] = followed
        return list(due.values())

"""Follow all submitted jobs with as few requests as possible, and yield what changes.

One job is asked about by itself. From the second on, one list serves all; what it does not show is asked
about singly, and so is everything while the list is of no use. A lost POST is looked for in the list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock, sleep
from bot.gmi import GmiCloud, GmiError, Report
from bot.jobs import Job, State
from bot.pacing import interval, search_interval

log = logging.getLogger(__name__)

PARALLEL_REQUESTS = 8  # status questions on their way at once
REQUESTS_PER_MINUTE = 300  # of single questions; the list stays far below it
LIST_PAUSE = timedelta(minutes=1)  # before a list that was of no use is tried again
CLOCK_SKEW = timedelta(minutes=2)  # between GMI's clock and ours, when a record is matched by time


@dataclass(frozen=True, slots=True)
class News:
    """What has changed about one job: GMI's report, or None if its deadline has passed."""

    job_id: int
    report: Report | None
    at: datetime


@dataclass(slots=True)
class _Followed:
    job: Job  # as it stood when it began to be followed
    since: datetime
    due: datetime
    deadline: datetime | None  # None once it was told
    state: State

    @property
    def request_id(self) -> str | None:
        return self.job.request_id


class Watch:
    """Asks GMI Cloud about every job that it follows."""

    def __init__(self, gmi: GmiCloud, clock: Clock, model: str) -> None:
        self._gmi = gmi
        self._clock = clock
        self._model = model
        self._followed: dict[int, _Followed] = {}
        self._list_useless_until: datetime | None = None
        self._wake = asyncio.Event()

    def follow(self, job: Job, deadline: datetime) -> None:
        """Ask about this job from now on, or look for it where GMI's id of it is not known.

        News of the deadline comes once.
        """
        now = self._clock.now()
        since = job.created_at if job.request_id is not None else now
        # An accepted job is not asked about at once: its POST has just told how it stands.
        wait = interval(max(0.0, (now - since).total_seconds())) if job.request_id is not None else 0.0
        due = min(now + timedelta(seconds=wait), deadline)
        self._followed[job.id] = _Followed(job, since, due, deadline, job.state)
        self._wake.set()

    def drop(self, job_id: int) -> None:
        """Ask no more about this job."""
        self._followed.pop(job_id, None)

    async def news(self) -> AsyncIterator[News]:
        """Yield what changes, for ever."""
        while True:
            self._wake.clear()
            await self._clock.wait(self._wake, self._until_next())
            for news in await self._ask_list():
                yield news
            due = [one for one in self._due() if one.request_id is not None]
            for start in range(0, len(due), PARALLEL_REQUESTS):
                batch = due[start : start + PARALLEL_REQUESTS]
                for reported in await asyncio.gather(*(self._ask(followed) for followed in batch)):
                    for news in reported:
                        yield news
                if start + PARALLEL_REQUESTS < len(due):
                    await sleep(self._clock, len(batch) * 60 / REQUESTS_PER_MINUTE)

    async def _ask_list(self) -> list[News]:
        """Ask for the list where it serves more than one job or has to find a lost one."""
        due, now = self._due(), self._clock.now()
        lost = [one for one in self._followed.values() if one.request_id is None]
        lost_due = [one for one in due if one.request_id is None]
        worthwhile = len(self._followed) > 1 and not (
            self._list_useless_until is not None and now < self._list_useless_until
        )
        if not lost_due and not (due and worthwhile):
            return []
        try:
            reports = await self._gmi.requests(self._model)
        except GmiError as error:
            log.warning("No list (%s); every job is asked about singly for a while", error)
            reports = []
        known = {report.request_id: report for report in reports}
        followed = [one for one in list(self._followed.values()) if one.request_id in known]
        # A list without a single job that we know serves nobody: it is another organisation's, or empty.
        self._list_useless_until = None if followed else self._clock.now() + LIST_PAUSE
        news = [told for one in followed for told in self._heard(one, known[one.request_id or ""])]
        taken = {one.request_id for one in self._followed.values()}
        for one in lost:
            found = _find(one.job, (report for report in reports if report.request_id not in taken))
            if found is not None:
                taken.add(found.request_id)
            news += self._heard(one, found)
        return news

    async def _ask(self, followed: _Followed) -> list[News]:
        assert followed.request_id is not None, "a lost job has nothing to be asked by"
        report: Report | None = None
        pause: float | None = None
        try:
            report = await self._gmi.status(followed.request_id)
        except GmiError as error:
            # Trouble with the question says nothing about the job: it stays open until its deadline.
            pause = error.retry_after
            log.warning("Job %s: no status (%s)", followed.job.id, error)
        return self._heard(followed, report, at_least=pause)

    def _heard(
        self, followed: _Followed, report: Report | None, *, at_least: float | None = None
    ) -> list[News]:
        """Take what was reported, or that nothing was, and tell what is new about it."""
        if self._followed.get(followed.job.id) is not followed:
            return []
        now = self._clock.now()
        self._schedule(followed, now, at_least or 0.0)
        if report is not None and (followed.request_id is None or report.state not in {None, followed.state}):
            followed.state = report.state or followed.state
            return [News(followed.job.id, report, now)]
        if followed.deadline is not None and now >= followed.deadline:
            followed.deadline = None
            return [News(followed.job.id, None, now)]
        return []

    def _schedule(self, followed: _Followed, now: datetime, at_least: float) -> None:
        waited = (now - followed.since).total_seconds()
        if followed.request_id is None:
            seconds = search_interval(waited)
        else:
            seconds = interval(waited, overdue=followed.state is State.OVERDUE)
        followed.due = now + timedelta(seconds=max(seconds, at_least))
        if followed.deadline is not None and now < followed.deadline:
            followed.due = min(followed.due, followed.deadline)

    def _until_next(self) -> float | None:
        if not self._followed:
            return None
        next_due = min(one.due for one in self._followed.values())
        return max(0.0, (next_due - self._clock.now()).total_seconds())

    def _due(self) -> list[_Followed]:
        now = self._clock.now()
        return [one for one in self._followed.values() if one.due <= now]


def _find(job: Job, reports: Iterable[Report]) -> Report | None:
    """Find a job's POST among records by prompt, references, seed and time."""
    payload, earliest = job.request.payload(), job.created_at - CLOCK_SKEW
    for report in reports:
        early = report.created_at is not None and report.created_at < earliest
        if report.payload == payload and not early:
            return report
    return None

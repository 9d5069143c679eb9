"""Follow all submitted jobs with as few requests as possible, and yield what changes.

One job is asked about by itself. From the second on, one list serves all; what it does not show is asked
about singly, and so is everything while the list is of no use. A lost POST is looked for in the list.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.agenda import Agenda
from bot.clock import Clock
from bot.following import Followed
from bot.gmi import GmiCloud, GmiError, Report
from bot.jobs import Job, State
from bot.pacing import LONGEST, SHORTEST, Pacing, for_all

log = logging.getLogger(__name__)

PARALLEL_REQUESTS = 50  # status questions on their way at once, where the budget allows as many
LIST_PAUSE = timedelta(minutes=1)  # before a list that was of no use is tried again
CLOCK_SKEW = timedelta(minutes=2)  # between GMI's clock and ours, when a record is matched by time


@dataclass(frozen=True, slots=True)
class News:
    """What has changed about one job: GMI's report, or None if its deadline has passed."""

    job_id: int
    report: Report | None
    at: datetime


class Watch:
    """Asks GMI Cloud about every job that it follows, at most so many times a minute."""

    def __init__(
        self, gmi: GmiCloud, clock: Clock, model: str, pacing: Pacing, requests_per_minute: int
    ) -> None:
        self._gmi = gmi
        self._clock = clock
        self._model = model
        self._pacing = pacing
        self._seconds_a_request = 60 / requests_per_minute
        # A second's worth of questions goes out together.
        self._at_once = min(max(1, requests_per_minute // 60), PARALLEL_REQUESTS)
        self._followed: dict[int, Followed] = {}
        self._lost: dict[int, Followed] = {}  # those whose id at GMI is not known
        self._agenda = Agenda()  # when a job is to be asked about by itself, or has its deadline
        self._waiting: dict[int, Followed] = {}  # those whose moment has come
        self._list_due: datetime | None = None  # None while no list serves anybody
        self._list_asked = self._list_useless_until = clock.now()
        self._free_at = clock.now()  # when the budget allows the next request
        self._wake = asyncio.Event()

    def follow(self, job: Job, deadline: datetime) -> None:
        """Ask about this job from now on, or look for it where GMI's id of it is not known.

        News of the deadline comes once.
        """
        now = self._clock.now()
        was_lost = job.id in self._lost
        self.drop(job.id)
        one = Followed.begin(job, deadline, now, found=was_lost and job.request_id is not None)
        self._followed[job.id] = one
        if one.request_id is None:
            self._lost[job.id] = one
        # An accepted job is not asked about at once: its POST has just told how it stands.
        wait = one.interval(self._pacing, now) if one.request_id is not None else 0.0
        due = min(now + timedelta(seconds=wait), deadline)
        if self._list_due is not None and one.request_id is not None:
            one.in_list = True  # the next list will tell; it comes as early as this job needs it
            soonest = self._list_asked + timedelta(seconds=SHORTEST)
            self._list_due = max(soonest, min(due, self._list_due))
            due = deadline
        self._agenda.put(job.id, due)
        self._wake.set()

    def drop(self, job_id: int) -> None:
        """Ask no more about this job."""
        self._followed.pop(job_id, None)
        self._lost.pop(job_id, None)
        self._waiting.pop(job_id, None)
        self._agenda.remove(job_id)
        if not self._followed:
            self._list_due = None

    async def news(self) -> AsyncIterator[News]:
        """Yield what changes, for ever."""
        while True:
            self._wake.clear()
            await self._clock.wait(self._wake, self._until_next())
            now = self._clock.now()
            if now < self._free_at:
                continue
            for job_id in self._agenda.take_due(now):
                self._waiting[job_id] = self._followed[job_id]
            asked = 0
            if self._wants_list(now):
                asked += 1
                self._free_at = now + timedelta(seconds=self._seconds_a_request)
                for news in await self._ask_list():
                    yield news
            chosen = self._most_urgent()
            asked += len(chosen)
            self._free_at = now + timedelta(seconds=asked * self._seconds_a_request)
            for reported in await asyncio.gather(*(self._ask(one) for one in chosen)):
                for news in reported:
                    yield news

    def _until_next(self) -> float | None:
        """Return the seconds until something is to be done; None while there is nothing."""
        now = self._clock.now()
        moments = [moment for moment in (self._agenda.next(), self._list_due) if moment is not None]
        if self._waiting:
            moments.append(now)
        if not moments:
            return None
        return max(0.0, (max(min(moments), self._free_at) - now).total_seconds())

    def _wants_list(self, now: datetime) -> bool:
        """Tell whether the list is to be asked for now: it serves more than one job, or finds a lost one."""
        if any(one.request_id is None for one in self._waiting.values()):
            return True
        if len(self._followed) > 1 and now >= self._list_useless_until:
            if self._list_due is not None:
                return now >= self._list_due
            return any(one.in_list is None for one in self._waiting.values())
        if self._list_due is not None and now >= self._list_due:
            self._list_due = None
            self._ask_singly(one for one in self._followed.values() if one.in_list)
        return False

    def _most_urgent(self) -> list[Followed]:
        """Take the jobs out of those waiting that are to be asked about singly now.

        What counts is how many of its own intervals a job has waited: those most likely to be finished come
        first, and as no interval is longer than thirty of the shortest, everyone's turn comes.
        """
        now, waiting = self._clock.now(), [one for one in self._waiting.values() if one.request_id]
        if len(waiting) > self._at_once:
            waiting = heapq.nlargest(self._at_once, waiting, key=lambda one: one.urgency(self._pacing, now))
        for one in waiting:
            del self._waiting[one.job.id]
        return waiting

    async def _ask_list(self) -> list[News]:
        reports: list[Report] = []
        pause = LIST_PAUSE
        try:
            reports = await self._gmi.requests(self._model)
        except GmiError as error:
            pause = max(pause, timedelta(seconds=error.retry_after or 0.0))
            log.warning("No list (%s); every job is asked about singly for a while", error)
        known = {report.request_id: report for report in reports}
        shown = [one for one in self._followed.values() if one.request_id in known]
        self._list_asked = now = self._clock.now()
        if not shown and len(self._followed) > len(self._lost):
            # A list without a single job that we know serves nobody: it is another organisation's, or empty.
            self._list_useless_until = now + pause
        for one in self._followed.values():
            if one.request_id not in known and one.request_id is not None:
                if one.in_list:
                    self._waiting[one.job.id] = one
                one.in_list = False if shown else None
        news = []
        for one in shown:
            one.in_list = True
            news += self._heard(one, known[one.request_id or ""])
        self._list_due = self._next_list(shown, now)
        return news + self._look_for_lost(reports)

    def _next_list(self, shown: Iterable[Followed], now: datetime) -> datetime | None:
        """Return when the list is to be asked for again to serve these jobs."""
        processing, at_most = [], math.inf
        for one in shown:
            if one.state is State.PROCESSING:
                processing.append(one)
            else:
                at_most = min(at_most, one.pause(self._pacing, now))
        if processing:
            at_most = min(at_most, LONGEST)
        elif at_most == math.inf:
            return None
        pauses = (one.pause(self._pacing, now) for one in processing)
        return now + timedelta(seconds=for_all(pauses, at_most))

    def _look_for_lost(self, reports: list[Report]) -> list[News]:
        """Look for every lost POST among the records that belong to no job that we know."""
        if not self._lost:
            return []
        taken = {one.request_id for one in self._followed.values()}
        news = []
        for one in list(self._lost.values()):
            found = _find(one.job, (report for report in reports if report.request_id not in taken))
            if found is not None:
                taken.add(found.request_id)
            news += self._heard(one, found)
        return news

    async def _ask(self, one: Followed) -> list[News]:
        assert one.request_id is not None, "a lost job has nothing to be asked by"
        report: Report | None = None
        pause: float | None = None
        try:
            report = await self._gmi.status(one.request_id)
        except GmiError as error:
            # Trouble with the question says nothing about the job: it stays open until its deadline.
            pause = error.retry_after
            log.warning("Job %s: no status (%s)", one.job.id, error)
        return self._heard(one, report, at_least=pause or 0.0)

    def _heard(self, one: Followed, report: Report | None, *, at_least: float = 0.0) -> list[News]:
        """Take what was reported, or that nothing was, and tell what is new about it."""
        job = one.job
        if self._followed.get(job.id) is not one:
            return []
        now, before = self._clock.now(), one.state
        processed = None if report is None or one.request_id is None else one.hear(report.state, now)
        if processed is not None:
            self._pacing.learn(job.model, job.request.duration, processed)
        one.asked = now
        self._schedule(one, now, at_least)
        found = report is not None and one.request_id is None
        if found or one.state is not before:
            return [News(job.id, report, now)]
        if one.deadline is not None and now >= one.deadline:
            one.deadline = None
            return [News(job.id, None, now)]
        return []

    def _schedule(self, one: Followed, now: datetime, at_least: float) -> None:
        """Put the job's next own moment down: what the list shows needs none but its deadline."""
        self._waiting.pop(one.job.id, None)
        due = None
        if not one.in_list:
            due = now + timedelta(seconds=max(one.interval(self._pacing, now), at_least))
        if one.deadline is not None and now < one.deadline:
            due = one.deadline if due is None else min(due, one.deadline)
        if due is None:
            self._agenda.remove(one.job.id)
        else:
            self._agenda.put(one.job.id, due)

    def _ask_singly(self, jobs: Iterable[Followed]) -> None:
        for one in jobs:
            one.in_list = None
            self._agenda.remove(one.job.id)
            self._waiting[one.job.id] = one


def _find(job: Job, reports: Iterable[Report]) -> Report | None:
    """Find a job's POST among records by prompt, references, seed and time."""
    payload, earliest = job.request.payload(), job.created_at - CLOCK_SKEW
    for report in reports:
        early = report.created_at is not None and report.created_at < earliest
        if report.payload == payload and not early:
            return report
    return None

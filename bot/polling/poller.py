"""Follow all submitted jobs with as few requests as possible, and yield what changes.

One job is asked about by itself. From the second on, one list serves all, unless it is so long that single
questions are cheaper; what it does not show, or not in full, is asked about singly, and so is everything
while the list is of no use. A lost POST is looked for in the list.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.gmi.client import GmiCloud, GmiError, RequestList, RequestStatus
from bot.models.jobs import Job, State
from bot.polling.estimator import LONGEST, SHORTEST, DurationEstimator, for_all
from bot.polling.matching import LostPosts
from bot.polling.timers import TimerQueue
from bot.polling.tracked import TrackedRequest

log = logging.getLogger(__name__)

PARALLEL_REQUESTS = 50  # status questions on their way at once, where the budget allows as many
LIST_PAUSE = timedelta(minutes=1)  # before a list that was of no use is tried again
LIST_RECHECK = timedelta(minutes=30)  # before a list that was too long is weighed again
QUESTION_COSTS = 4096  # bytes beside the record: both headers, and the work that a request is at either end
USUAL_PAUSE = 10.0  # seconds between two single questions about a job, to tell whether the budget has room
LIST_RATE = 512 * 1024  # bytes a second that a list may cost where nothing cheaper keeps within the budget


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What has changed about one job: GMI's report, or None if its deadline has passed."""

    job_id: int
    report: RequestStatus | None
    at: datetime


class StatusPoller:
    """Asks GMI Cloud about every job that it follows, at most so many times a minute."""

    def __init__(
        self,
        gmi: GmiCloud,
        clock: Clock,
        model: str,
        estimator: DurationEstimator,
        requests_per_minute: int,
        *,
        lost_posts: LostPosts | None = None,
    ) -> None:
        self._gmi = gmi
        self._clock = clock
        self._model = model
        self._estimator = estimator
        self._lost_posts = lost_posts
        self._seconds_a_request = 60 / requests_per_minute
        # A second's worth of questions goes out together.
        self._at_once = min(max(1, requests_per_minute // 60), PARALLEL_REQUESTS)
        self._followed: dict[int, TrackedRequest] = {}
        self._lost: dict[int, TrackedRequest] = {}  # those whose id at GMI is not known
        self._timers = TimerQueue()  # when a job is to be asked about by itself, or has its deadline
        self._waiting: dict[int, TrackedRequest] = {}  # those whose moment has come
        self._list_due: datetime | None = None  # None while no list serves anybody
        self._list_asked = self._list_useless_until = clock.now()
        self._last_list = RequestList([])  # its size only
        self._free_at = clock.now()  # when the budget allows the next request
        self._wake = asyncio.Event()
        self._untold: deque[StatusUpdate] = deque()

    def follow(self, job: Job, deadline: datetime, *, doubted: RequestStatus | None = None) -> None:
        """Ask about this job from now on, or look for it where GMI's id of it is not known.

        News of the deadline comes once. A failure whose reason is still to be asked for comes as `doubted`.
        """
        now = self._clock.now()
        was_lost = job.id in self._lost
        self.drop(job.id)
        found = was_lost and job.request_id is not None
        one = TrackedRequest.begin(job, deadline, now, found=found, doubted=doubted)
        self._followed[job.id] = one
        if one.request_id is None:
            self._lost[job.id] = one
        # An accepted job is not asked about at once: its POST has just told how it stands.
        at_once = one.request_id is None or doubted is not None
        due = min(now + timedelta(seconds=0.0 if at_once else one.interval(self._estimator, now)), deadline)
        if self._list_due is not None and one.request_id is not None and not one.singly:
            one.in_list = True  # the next list will tell; it comes as early as this job needs it
            soonest = self._list_asked + timedelta(seconds=self._shortest_list_pause())
            self._list_due = max(soonest, min(due, self._list_due))
            due = deadline
        self._timers.put(job.id, due)
        self._wake.set()

    def drop(self, job_id: int) -> None:
        """Ask no more about this job."""
        self._followed.pop(job_id, None)
        self._lost.pop(job_id, None)
        self._waiting.pop(job_id, None)
        self._timers.remove(job_id)
        if not self._followed:
            self._list_due = None

    async def news(self) -> AsyncIterator[StatusUpdate]:
        """Yield what changes, for ever; whoever has to begin anew loses no job and no news."""
        self._take_up_forgotten()
        while True:
            self._wake.clear()
            await self._clock.wait(self._wake, 0.0 if self._untold else self._until_next())
            now = self._clock.now()
            if now >= self._free_at:
                self._await_due(now)
                asked = await self._ask_list() if self._wants_list(now) else 0
                self._free_at = now + timedelta(seconds=asked * self._seconds_a_request)
                while self._untold:
                    yield self._untold.popleft()
                chosen = self._most_urgent()
                self._free_at = now + timedelta(seconds=(asked + len(chosen)) * self._seconds_a_request)
                await asyncio.gather(*(self._ask(one) for one in chosen))
            while self._untold:
                yield self._untold.popleft()

    def _take_up_forgotten(self) -> None:
        """Let every job have its moment that has none, because something failed in the middle of a round."""
        for job_id, one in self._followed.items():
            listed = one.in_list and self._list_due is not None
            if job_id not in self._timers and job_id not in self._waiting and not listed:
                self._waiting[job_id] = one

    def _await_due(self, now: datetime) -> None:
        for job_id in self._timers.take_due(now):
            self._waiting[job_id] = self._followed[job_id]

    def _until_next(self) -> float | None:
        """Return the seconds until something is to be done; None while there is nothing."""
        now = self._clock.now()
        moments = [moment for moment in (self._timers.next(), self._list_due) if moment is not None]
        if self._waiting:
            moments.append(now)
        if not moments:
            return None
        return max(0.0, (max(min(moments), self._free_at) - now).total_seconds())

    def _wants_list(self, now: datetime) -> bool:
        """Tell whether the list is to be asked for now: it serves more than one job, or finds a lost one."""
        if any(one.request_id is None for one in self._waiting.values()):
            return True
        weigh_again = now >= self._list_asked + LIST_RECHECK
        if len(self._followed) > 1 and now >= self._list_useless_until and (self._list_pays() or weigh_again):
            if self._list_due is not None:
                return now >= self._list_due
            return any(one.in_list is None for one in self._waiting.values())
        if self._list_due is not None and now >= self._list_due:
            self._list_due = None
            self._ask_singly(one for one in self._followed.values() if one.in_list)
        return False

    def _list_is_cheap(self) -> bool:
        """Tell whether the last list had fewer bytes than a question about each job that is followed."""
        page, known = self._last_list, len(self._followed) - len(self._lost)
        return page.size <= known * (page.size / max(page.records, 1) + QUESTION_COSTS)

    def _list_pays(self) -> bool:
        """Tell whether the list is cheaper than single questions, or these would break the budget."""
        known = len(self._followed) - len(self._lost)
        return known * self._seconds_a_request > USUAL_PAUSE or self._list_is_cheap()

    def _shortest_list_pause(self) -> float:
        return SHORTEST if self._list_is_cheap() else max(SHORTEST, self._last_list.size / LIST_RATE)

    def _most_urgent(self) -> list[TrackedRequest]:
        """Take the jobs out of those waiting that are to be asked about singly now.

        What counts is how many of its own intervals a job has waited: those most likely to be finished come
        first, and as no interval is longer than thirty of the shortest, everyone's turn comes.
        """
        now, waiting = self._clock.now(), [one for one in self._waiting.values() if one.request_id]
        if len(waiting) > self._at_once:
            waiting = heapq.nlargest(
                self._at_once, waiting, key=lambda one: one.urgency(self._estimator, now)
            )
        for one in waiting:
            del self._waiting[one.job.id]
        return waiting

    async def _ask_list(self) -> int:
        """Ask for the list, take what it says, and return how many requests that took."""
        page, pause = RequestList([]), LIST_PAUSE
        try:
            page = await self._gmi.requests(self._model)
            self._last_list = RequestList([], page.size, page.records)
        except GmiError as error:
            pause = max(pause, timedelta(seconds=error.retry_after or 0.0))
            log.warning("No list (%s); every job is asked about singly for a while", error)
        except Exception:
            log.exception("The list could not be read; every job is asked about singly for a while")
        known = {report.request_id: report for report in page.statuses}
        shown = [one for one in self._followed.values() if one.request_id in known]
        self._list_asked = now = self._clock.now()
        if not shown and len(self._followed) > len(self._lost):
            # A list without a single job that we know serves nobody: it is another organisation's, or empty.
            self._list_useless_until = now + (pause if self._list_is_cheap() else LIST_RECHECK)
        pays = bool(shown) and self._list_pays()
        for one in self._followed.values():
            if one.request_id is not None and one.request_id not in known:
                if one.in_list:
                    self._waiting[one.job.id] = one
                one.in_list = False if pays or one.singly else None
        for one in shown:
            self._hear_in_list(one, known[one.request_id or ""], pays=pays)
        self._list_due = self._next_list([one for one in shown if one.in_list], now)
        return 1 + await self._look_for_lost(page.statuses)

    def _hear_in_list(self, one: TrackedRequest, report: RequestStatus, *, pays: bool) -> None:
        """Take what the list says of a job; what it says only by half is asked about singly from now on."""
        half_said = report.is_incomplete and report.state is not State.SUCCEEDED
        ended = report.state not in {State.QUEUED, State.PROCESSING, one.state}
        if half_said and not one.singly:
            one.singly, one.in_list = True, False
            one.doubted = report if report.state is State.FAILED else None
            self._ask_singly([one])
        elif not one.singly:
            one.in_list = True if pays else None
            self._take(one, report)
        elif not half_said and (ended or report.results):
            self._take(one, report)

    def _next_list(self, shown: Iterable[TrackedRequest], now: datetime) -> datetime | None:
        """Return when the list is to be asked for again to serve these jobs."""
        processing, at_most = [], math.inf
        for one in shown:
            if one.state is State.PROCESSING:
                processing.append(one)
            else:
                at_most = min(at_most, one.pause(self._estimator, now))
        if processing:
            at_most = min(at_most, LONGEST)
        elif at_most == math.inf:
            return None
        pauses = (one.pause(self._estimator, now) for one in processing)
        return now + timedelta(seconds=max(for_all(pauses, at_most), self._shortest_list_pause()))

    async def _look_for_lost(self, reports: list[RequestStatus]) -> int:
        """Look for every lost POST among the records; return how many single questions that took."""
        if self._lost_posts is None:
            return 0
        found: dict[int, RequestStatus] = {}
        ids = {one.request_id for one in self._followed.values() if one.request_id is not None}
        lost = list(self._lost.values())
        try:
            found = await self._lost_posts.look(reports, ids, [one.job for one in lost])
        except Exception:
            # Without the ledger nobody can tell whose a record is: they are looked for again.
            log.exception("Lost requests could not be looked for")
        for one in lost:
            self._take(one, found.get(one.job.id))
        return self._lost_posts.asked

    async def _ask(self, one: TrackedRequest) -> None:
        """Ask about one job by itself."""
        assert one.request_id is not None, "a lost job has nothing to be asked by"
        report: RequestStatus | None = None
        pause: float | None = None
        try:
            report = await self._gmi.status(one.request_id)
        except GmiError as error:
            # Trouble with the question says nothing about the job: it stays open until its deadline.
            pause = error.retry_after
            log.warning("Job %s: no status (%s)", one.job.id, error)
        except Exception:
            log.exception("Job %s: its status could not be read", one.job.id)
        if report is not None and report.state is not None:
            one.doubted = None  # what a question about the job alone tells is final
        self._take(one, report, at_least=pause or 0.0)

    def _take(self, one: TrackedRequest, report: RequestStatus | None, *, at_least: float = 0.0) -> None:
        """Keep what is new about a job; one that cannot be taken harms no other, and is asked about again."""
        try:
            self._untold += self._heard(one, report, at_least=at_least)
        except Exception:
            log.exception("Job %s: what was heard of it could not be taken", one.job.id)
            if self._followed.get(one.job.id) is one:
                self._timers.put(one.job.id, self._clock.now() + timedelta(seconds=LONGEST))

    def _heard(
        self, one: TrackedRequest, report: RequestStatus | None, *, at_least: float
    ) -> list[StatusUpdate]:
        """Take what was reported, or that nothing was, and tell what is new about it."""
        job = one.job
        if self._followed.get(job.id) is not one:
            return []
        now, before = self._clock.now(), one.state
        processed = None if report is None or one.request_id is None else one.hear(report.state, now)
        if processed is not None:
            self._estimator.learn(job.model, job.request.duration, processed)
        if one.state is State.SUCCEEDED:
            one.singly, one.in_list = True, False  # only a link is still missing, if anything
        one.asked = now
        self._schedule(one, now, at_least)
        found = report is not None and one.request_id is None
        linked = report is not None and before is State.SUCCEEDED and bool(report.results)
        if found or linked or one.state is not before:
            return [StatusUpdate(job.id, report, now)]
        if one.deadline is not None and now >= one.deadline:
            one.deadline = None
            return [StatusUpdate(job.id, one.doubted, now)]
        return []

    def _schedule(self, one: TrackedRequest, now: datetime, at_least: float) -> None:
        """Put the job's next own moment down: what the list shows needs none but its deadline."""
        self._waiting.pop(one.job.id, None)
        due = None
        if not one.in_list:
            due = now + timedelta(seconds=max(one.interval(self._estimator, now), at_least))
        if one.deadline is not None and now < one.deadline:
            due = one.deadline if due is None else min(due, one.deadline)
        if due is None:
            self._timers.remove(one.job.id)
        else:
            self._timers.put(one.job.id, due)

    def _ask_singly(self, jobs: Iterable[TrackedRequest]) -> None:
        for one in jobs:
            if not one.singly:
                one.in_list = None
            self._timers.remove(one.job.id)
            self._waiting[one.job.id] = one

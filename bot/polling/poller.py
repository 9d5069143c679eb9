"""Ask for the status of all submitted jobs with as few requests as possible, and yield what changes.

One job is asked about by itself. From the second on, one list serves all, unless it is so long that single
questions are cheaper; what it does not show, or not in full, is asked about singly, and so is everything
while the list is of no use. A lost POST is searched for in the list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.gmi.client import GmiCloud, RequestStatus
from bot.gmi.rate import RequestRate
from bot.models.jobs import Job
from bot.polling.matching import LostPosts
from bot.polling.questions import Questions
from bot.polling.request_list import PAUSE, ListSchedule
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.tracked import TrackedRequest
from bot.polling.tracker import RequestTracker, StatusUpdate
from bot.storage.storage import StorageUnavailable

__all__ = ["StatusPoller", "StatusUpdate"]

log = logging.getLogger(__name__)

PARALLEL_REQUESTS = 50  # status questions on their way at once, where the budget allows as many


class StatusPoller:
    """Asks GMI Cloud about every job that it tracks, no faster than it may."""

    def __init__(
        self,
        gmi: GmiCloud,
        clock: Clock,
        model: str,
        estimator: DurationEstimator,
        rate: RequestRate,
        *,
        lost_posts: LostPosts | None = None,
        on_key_refused: Callable[[], None] | None = None,
    ) -> None:
        self._questions = Questions(gmi, model, rate, on_key_refused)
        self._clock = clock
        self._estimator = estimator
        self._lost_posts = lost_posts
        self._rate = rate
        self._tracker = RequestTracker(clock, estimator)
        self._list = ListSchedule(clock.now(), rate)
        self._free_at = clock.now()  # when the budget allows the next request
        self._wake = asyncio.Event()

    def track(self, job: Job, deadline: datetime, *, unexplained: RequestStatus | None = None) -> None:
        """Ask about this job from now on, or search for it where GMI's id of it is not known.

        The deadline is reported once. A failure whose reason is still to be asked for comes as `unexplained`.
        """
        now = self._clock.now()
        was_lost = job.id in self._tracker.lost
        self.drop(job.id)
        found = was_lost and job.request_id is not None
        request = TrackedRequest.begin(job, deadline, now, found=found, unexplained=unexplained)
        self._tracker.add(request)
        # An accepted job is not asked about at once: its POST has just given its status.
        at_once = request.request_id is None or unexplained is not None
        seconds = 0.0 if at_once else request.interval(self._estimator, now)
        due = min(now + timedelta(seconds=seconds), deadline)
        if self._list.due is not None and request.request_id is not None and not request.alone:
            request.in_list = True  # the next list shows it; it comes as early as this job needs it
            self._list.hasten(self._tracker.known, due)
            due = deadline
        self._tracker.due.wake_at(job.id, due)
        self._wake.set()

    def drop(self, job_id: int) -> None:
        """Ask no more about this job."""
        self._tracker.remove(job_id)
        if not self._tracker:
            self._list.due = None

    async def updates(self) -> AsyncIterator[StatusUpdate]:
        """Yield what changes, for ever; whoever has to begin anew loses no job and no update."""
        tracker = self._tracker
        tracker.collect_forgotten(list_planned=self._list.due is not None)
        while True:
            self._wake.clear()
            await self._clock.wait(self._wake, self._until_next())
            now = self._clock.now()
            if now >= self._free_at:
                tracker.collect_due(now)
                asked = await self._ask_list() if self._wants_list(now) else 0
                self._free_at = now + self._time_of(asked)
                while tracker.updates:
                    yield tracker.updates.popleft()
                # A second's worth of questions goes out together.
                chosen = tracker.due.take_most_urgent(min(self._rate.a_second, PARALLEL_REQUESTS))
                self._free_at = now + self._time_of(asked + len(chosen))
                await asyncio.gather(*map(self._ask, chosen))
            while tracker.updates:
                yield tracker.updates.popleft()

    def _time_of(self, requests: int) -> timedelta:
        """Return how long so many requests take up the rate."""
        return timedelta(seconds=requests * self._rate.seconds_a_request)

    def _until_next(self) -> float | None:
        """Return the seconds until something is to be done; None while there is nothing."""
        now = self._clock.now()
        if self._tracker.updates:
            return 0.0
        moments = (self._tracker.due.next(now), self._list.due)
        due = [moment for moment in moments if moment is not None]
        return max(0.0, (max(min(due), self._free_at) - now).total_seconds()) if due else None

    def _wants_list(self, now: datetime) -> bool:
        """Tell whether the list is to be asked for now: it serves more than one job, or finds a lost one."""
        if self._tracker.due.has_lost:
            return True
        if len(self._tracker) > 1 and self._list.is_usable(self._tracker.known, now):
            return self._tracker.due.has_unlisted if self._list.due is None else now >= self._list.due
        if self._list.due is not None and now >= self._list.due:
            self._list.due = None
            self._tracker.give_up_list()
        return False

    async def _ask_list(self) -> int:
        """Ask for the list, take what it says, and return how many requests that took."""
        page, seconds = await self._questions.requests()
        if page is not None:
            self._list.measure(page.size, page.records)
        statuses = page.statuses if page is not None else []
        self._take_list(statuses, max(PAUSE, timedelta(seconds=seconds)))
        return 1 + await self._find_lost(statuses)

    def _take_list(self, statuses: Sequence[RequestStatus], pause: timedelta) -> None:
        """Take what a list says of every job, and plan the next one."""
        tracker, known, now = self._tracker, self._tracker.known, self._clock.now()
        listed = {status.request_id: status for status in statuses}
        shown = [request for request in tracker if request.request_id in listed]
        self._list.answered(now)
        if not shown and known:
            # A list without a single job that we know serves nobody: it is another organization's, or empty.
            self._list.set_aside(known, now, pause)
        pays = bool(shown) and self._list.pays(known)
        if len(shown) < known:
            for request in tracker:
                if request.request_id is not None and request.request_id not in listed:
                    tracker.list_lacks(request, pays=pays)
        for request in shown:
            tracker.observe_in_list(request, listed[request.request_id or ""], now, pays=pays)
        self._list.plan([request for request in shown if request.in_list], self._estimator, known, now)

    async def _find_lost(self, statuses: Sequence[RequestStatus]) -> int:
        """Search for every lost POST among the records; return how many single questions that took."""
        if self._lost_posts is None:
            return 0
        found: dict[int, RequestStatus] = {}
        ids = {request.request_id for request in self._tracker if request.request_id is not None}
        lost = list(self._tracker.lost.values())
        try:
            found = await self._lost_posts.find(statuses, ids, [request.job for request in lost])
        except StorageUnavailable as trouble:
            # Nobody knows whose a record is: they are searched for again.
            log.warning("Lost requests could not be searched for: storage trouble (%s)", trouble)
        except Exception:
            log.exception("Lost requests could not be searched for")
        for request in lost:
            self._tracker.observe(request, found.get(request.job.id))
        return self._lost_posts.questions

    async def _ask(self, request: TrackedRequest) -> None:
        """Ask about one job by itself."""
        status, pause = await self._questions.status(request)
        if status is not None and status.state is not None:
            request.unexplained = None  # the answer about the job alone is final
        self._tracker.observe(request, status, at_least=pause)

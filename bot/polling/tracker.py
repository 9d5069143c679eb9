"""The jobs that are polled: which of them are due, and what is new about them."""

from __future__ import annotations

import heapq
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.gmi.schemas import RequestStatus
from bot.models.jobs import State
from bot.polling.estimator import DurationEstimator
from bot.polling.intervals import INTERVAL_MAX
from bot.polling.timers import TimerQueue
from bot.polling.tracked import TrackedRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What has changed about one job: GMI's status, or None if its deadline has passed."""

    job_id: int
    status: RequestStatus | None
    at: datetime


class RequestTracker:
    """Holds every job that is polled, and takes what GMI says of it."""

    def __init__(self, clock: Clock, estimator: DurationEstimator) -> None:
        self._clock = clock
        self._estimator = estimator
        self._requests: dict[int, TrackedRequest] = {}
        self.lost: dict[int, TrackedRequest] = {}  # those whose POST is searched for
        self._timers = TimerQueue()  # when a job is to be asked about by itself, or has its deadline
        self._due: dict[int, TrackedRequest] = {}  # those whose moment has come
        self.updates: deque[StatusUpdate] = deque()  # what nobody has taken yet

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[TrackedRequest]:
        return iter(self._requests.values())

    @property
    def known(self) -> int:
        """Return how many jobs have an id at GMI."""
        return len(self._requests) - len(self.lost)

    @property
    def lost_due(self) -> bool:
        """Tell whether a lost POST is to be searched for now."""
        return any(request.request_id is None for request in self._due.values())

    @property
    def unlisted_due(self) -> bool:
        """Tell whether a job is due of which no list has shown whether it serves it."""
        return any(request.in_list is None for request in self._due.values())

    def add(self, request: TrackedRequest) -> None:
        """Take up a job; `wake_at` says when it is due."""
        self._requests[request.job.id] = request
        if request.request_id is None:
            self.lost[request.job.id] = request

    def wake_at(self, job_id: int, moment: datetime) -> None:
        """Set the moment at which a job is due."""
        self._timers.put(job_id, moment)

    def remove(self, job_id: int) -> None:
        """Forget a job."""
        self._requests.pop(job_id, None)
        self.lost.pop(job_id, None)
        self._due.pop(job_id, None)
        self._timers.remove(job_id)

    def next_due(self, now: datetime) -> datetime | None:
        """Return when the next job is due, None while none will be."""
        return now if self._due else self._timers.next()

    def collect_due(self, now: datetime) -> None:
        """Let every job be due whose moment has come."""
        for job_id in self._timers.take_due(now):
            self._due[job_id] = self._requests[job_id]

    def collect_forgotten(self, *, list_planned: bool) -> None:
        """Let every job be due that nothing will wake, because something failed in the middle of a round."""
        for job_id, request in self._requests.items():
            listed = request.in_list and list_planned
            if job_id not in self._timers and job_id not in self._due and not listed:
                self._due[job_id] = request

    def ask_alone(self, requests: Iterable[TrackedRequest]) -> None:
        """Let these jobs be due now, whatever a list shows."""
        for request in requests:
            if not request.alone:
                request.in_list = None
            self._timers.remove(request.job.id)
            self._due[request.job.id] = request

    def take_most_urgent(self, at_most: int) -> list[TrackedRequest]:
        """Take the jobs out of those due that are to be asked about singly now.

        What counts is how many of its own intervals a job has waited: those most likely to be finished come
        first, and as no interval is longer than thirty of the shortest, everyone's turn comes.
        """
        now, due = self._clock.now(), [request for request in self._due.values() if request.request_id]
        if len(due) > at_most:
            due = heapq.nlargest(at_most, due, key=lambda request: request.urgency(self._estimator, now))
        for request in due:
            del self._due[request.job.id]
        return due

    def list_lacks(self, request: TrackedRequest, *, pays: bool) -> None:
        """Take that the list does not show a job: if it served it so far, the job is due now."""
        if request.in_list:
            self._due[request.job.id] = request
        request.in_list = False if pays or request.alone else None

    def observe_in_list(
        self, request: TrackedRequest, status: RequestStatus, now: datetime, *, pays: bool
    ) -> None:
        """Take what the list says of a job; what it says only by half is asked about singly from now on."""
        if pays and self._is_unchanged(request, status, now):
            # Of ten thousand jobs in a list nearly all are: nothing has to be scheduled anew for them.
            request.last_seen = request.last_asked = now
            return
        half_said = status.is_incomplete and status.state is not State.SUCCEEDED
        ended = status.state not in {State.QUEUED, State.PROCESSING, request.state}
        if half_said and not request.alone:
            request.alone, request.in_list = True, False
            request.unexplained = status if status.state is State.FAILED else None
            self.ask_alone([request])
        elif not request.alone:
            request.in_list = True if pays else None
            self.observe(request, status)
        elif not half_said and (ended or status.results):
            self.observe(request, status)

    def _is_unchanged(self, request: TrackedRequest, status: RequestStatus, now: datetime) -> bool:
        """Tell whether the list shows a job as it was, and only its deadline is still to wake it."""
        return (
            request.state is status.state
            and request.in_list is True
            and (request.state is State.PROCESSING or request.state is State.QUEUED)
            and request.deadline is not None
            and now < request.deadline
            and request.job.id not in self._due
        )

    def observe(
        self, request: TrackedRequest, status: RequestStatus | None, *, at_least: float = 0.0
    ) -> None:
        """Keep what is new about a job; one that cannot be taken harms no other, and is asked about again."""
        try:
            self._observe(request, status, at_least=at_least)
        except Exception:
            log.exception("Job %s: what GMI Cloud said of it could not be taken", request.job.id)
            if self._requests.get(request.job.id) is request:
                self._timers.put(request.job.id, self._clock.now() + timedelta(seconds=INTERVAL_MAX))

    def _observe(self, request: TrackedRequest, status: RequestStatus | None, *, at_least: float) -> None:
        """Take what GMI said, or that it said nothing, and keep what is new about it."""
        job = request.job
        if self._requests.get(job.id) is not request:
            return
        now, before = self._clock.now(), request.state
        lost = request.request_id is None
        processed = None if status is None or lost else request.observe(status.state, now)
        if processed is not None:
            self._estimator.learn(job.model, job.request.duration, processed)
        if request.state is State.SUCCEEDED:
            request.alone, request.in_list = True, False  # only a link is still missing, if anything
        request.last_asked = now
        self._schedule(request, now, at_least)
        linked = status is not None and before is State.SUCCEEDED and bool(status.results)
        if (status is not None and lost) or linked or request.state is not before:
            self.updates.append(StatusUpdate(job.id, status, now))
        elif request.deadline is not None and now >= request.deadline:
            request.deadline = None
            self.updates.append(StatusUpdate(job.id, request.unexplained, now))

    def _schedule(self, request: TrackedRequest, now: datetime, at_least: float) -> None:
        """Set the job's next own moment: what the list shows needs none but its deadline."""
        self._due.pop(request.job.id, None)
        due = None
        if not request.in_list:
            due = now + timedelta(seconds=max(request.interval(self._estimator, now), at_least))
        if request.deadline is not None and now < request.deadline:
            due = request.deadline if due is None else min(due, request.deadline)
        if due is None:
            self._timers.remove(request.job.id)
        else:
            self._timers.put(request.job.id, due)

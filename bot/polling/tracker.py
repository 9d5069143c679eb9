"""The jobs that are polled, and what is new about them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.gmi.schemas import RequestStatus
from bot.models.states import State
from bot.polling.schedule.due import DueRequests
from bot.polling.schedule.estimator import DurationEstimator, Span
from bot.polling.schedule.intervals import INTERVAL_MAX
from bot.polling.tracked import TrackedRequest
from bot.telemetry.job_lines import ids_of, job_lines

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
        self.due = DueRequests(clock, estimator)
        self.updates: deque[StatusUpdate] = deque()  # what nobody has taken yet

    def __len__(self) -> int:
        return len(self._requests)

    def __iter__(self) -> Iterator[TrackedRequest]:
        return iter(self._requests.values())

    @property
    def known(self) -> int:
        """Return how many jobs have an id at GMI."""
        return len(self._requests) - len(self.lost)

    def add(self, request: TrackedRequest) -> None:
        """Take up a job; `due.wake_at` says when to ask about it."""
        self._requests[request.job.id] = request
        if request.request_id is None:
            self.lost[request.job.id] = request

    def remove(self, job_id: int) -> None:
        """Forget a job."""
        self._requests.pop(job_id, None)
        self.lost.pop(job_id, None)
        self.due.remove(job_id)

    def collect_due(self, now: datetime) -> None:
        """Let every job be due whose moment has come."""
        self.due.collect(self._requests, now)

    def collect_forgotten(self, *, list_planned: bool) -> None:
        """Let every job be due that nothing will wake, because something failed in the middle of a round."""
        if not list_planned:
            self.give_up_list()  # or else only their deadline would wake those that it served
        self.due.collect_forgotten(self._requests)

    def give_up_list(self) -> None:
        """Let every job that the list served be due now."""
        for request in self._requests.values():
            if request.in_list:
                request.in_list = None
                self.due.wake_now(request)

    def list_lacks(self, request: TrackedRequest, *, pays: bool) -> None:
        """Take that the list does not show a job: if it served it so far, the job is due now."""
        if request.in_list:
            self.due.wake_now(request)
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
            self.due.wake_now(request)
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
            and request not in self.due
        )

    def observe(
        self, request: TrackedRequest, status: RequestStatus | None, *, at_least: float = 0.0
    ) -> None:
        """Keep what is new about a job; one that cannot be taken harms no other, and is asked about again."""
        try:
            self._observe(request, status, at_least=at_least)
        except Exception:
            with job_lines(lambda: ids_of(request.job)._replace(request=request.request_id)):
                log.exception("Job %s: what GMI Cloud said of it could not be taken", request.job.id)
            if self._requests.get(request.job.id) is request:
                self.due.wake_at(request.job.id, self._clock.now() + timedelta(seconds=INTERVAL_MAX))

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
        if request.total is not None and request.state is not before:
            self._estimator.learn(job.model, job.request.duration, request.total, Span.IN_ALL)
        if request.state is State.SUCCEEDED:
            request.alone, request.in_list = True, False  # only a link is still missing, if anything
        request.last_asked = now
        self.due.schedule(request, now, at_least)
        linked = status is not None and before is State.SUCCEEDED and bool(status.results)
        if (status is not None and lost) or linked or request.state is not before:
            self.updates.append(StatusUpdate(job.id, status, now))
        elif request.deadline is not None and now >= request.deadline:
            request.deadline = None
            self.updates.append(StatusUpdate(job.id, request.unexplained, now))

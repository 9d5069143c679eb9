"""Which jobs are to be asked about singly now, and when the others will be."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.timers import TimerQueue
from bot.polling.tracked import TrackedRequest


class DueRequests:
    """Holds the jobs that are due, and a timer for each that will be."""

    def __init__(self, clock: Clock, estimator: DurationEstimator) -> None:
        self._clock = clock
        self._estimator = estimator
        self._timers = TimerQueue()  # when a job is to be asked about by itself, or has its deadline
        self._due: dict[int, TrackedRequest] = {}

    def __contains__(self, request: TrackedRequest) -> bool:
        return request.job.id in self._due

    @property
    def has_lost(self) -> bool:
        """Tell whether a lost POST is to be searched for now."""
        return any(request.request_id is None for request in self._due.values())

    @property
    def has_unlisted(self) -> bool:
        """Tell whether a job is due of which no list has shown whether it serves it."""
        return any(request.in_list is None for request in self._due.values())

    def next(self, now: datetime) -> datetime | None:
        """Return when the next job is due, None while none will be."""
        return now if self._due else self._timers.next()

    def wake_at(self, job_id: int, moment: datetime) -> None:
        """Let a job be due at that moment."""
        self._timers.put(job_id, moment)

    def wake_now(self, request: TrackedRequest) -> None:
        """Let a job be due at once."""
        self._timers.remove(request.job.id)
        self._due[request.job.id] = request

    def remove(self, job_id: int) -> None:
        """Forget a job."""
        self._due.pop(job_id, None)
        self._timers.remove(job_id)

    def collect(self, requests: Mapping[int, TrackedRequest], now: datetime) -> None:
        """Let every job be due whose moment has come."""
        for job_id in self._timers.take_due(now):
            self._due[job_id] = requests[job_id]

    def collect_forgotten(self, requests: Mapping[int, TrackedRequest]) -> None:
        """Let every job be due that nothing will wake, because something failed in the middle of a round."""
        for job_id, request in requests.items():
            if job_id not in self._timers and job_id not in self._due and not request.in_list:
                self._due[job_id] = request

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

    def schedule(self, request: TrackedRequest, now: datetime, at_least: float) -> None:
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

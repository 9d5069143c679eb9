"""One job that is polled: how it was last seen, and how long it was processed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.gmi.schemas import RequestStatus
from bot.models.jobs import Job
from bot.models.states import State
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.intervals import (
    RARE_INTERVAL,
    link_interval,
    queued_interval,
    search_interval,
    within_limits,
)

# A change that happened somewhere in a longer gap teaches nothing: the bot was down, or GMI did not answer.
GAP_MAX = 45.0  # seconds between two sightings; after a longer one nobody knows when the state changed


@dataclass(slots=True, eq=False)
class TrackedRequest:
    """A job as the poller last saw it."""

    job: Job  # as it was when it began to be tracked
    request_id: str | None  # GMI's; None for a lost POST
    state: State
    waiting_since: datetime  # in line, for its link, or for a lost POST to be found
    last_seen: datetime  # when it was last certain to be in this state
    last_asked: datetime
    deadline: datetime | None  # None once it was reported
    processing_since: datetime | None = None  # as near as it is known
    measurable: bool = False  # whether that is near enough to learn from
    accepted_at: datetime | None = None  # by GMI, where that is known
    total: float | None = None  # seconds from then to its success, once that is known
    in_list: bool | None = None  # whether the list serves it; None where no list has shown
    alone: bool = False  # no list serves it any more: what the list said of it was not enough
    # A failure without a reason, until a question about it alone is answered.
    unexplained: RequestStatus | None = None

    @classmethod
    def begin(
        cls,
        job: Job,
        deadline: datetime,
        now: datetime,
        *,
        found: bool,
        unexplained: RequestStatus | None = None,
    ) -> Self:
        """Return a job as it begins to be tracked, now or again after a restart.

        A lost POST that was found may have been in its state for any time.
        """
        seen = job.state_since or job.created_at
        since = job.created_at if job.request_id else now
        request = cls(job, job.request_id, job.state, seen if job.awaits_link else since, seen, now, deadline)
        if job.awaits_link or unexplained is not None:
            request.alone, request.in_list, request.unexplained = True, False, unexplained
        if job.state is State.PROCESSING:
            request.processing_since, request.measurable = seen, not found
        elif job.state is State.QUEUED and not found:
            request.accepted_at = seen
        return request

    def observe(self, state: State | None, now: datetime) -> float | None:
        """Take the state that GMI reports; return the seconds of processing once they are known."""
        working = state in {State.QUEUED, State.PROCESSING}
        if state is None or (self.state in {State.OVERDUE, State.SUCCEEDED} and working):
            return None
        before, gap = self.state, now - self.last_seen
        self.state, self.last_seen = state, now
        if state is before:
            return None
        # It changed at any moment since it was last seen: half of the gap is the best guess.
        changed, near = now - gap / 2, gap.total_seconds() <= GAP_MAX
        started, measurable = self.processing_since, self.measurable and near
        self.processing_since, self.measurable = None, False
        if state is State.PROCESSING:
            self.processing_since, self.measurable = changed, near
        elif state in {State.QUEUED, State.SUCCEEDED}:
            self.waiting_since = now
        if state is not State.SUCCEEDED:
            return None
        if self.accepted_at is not None and near:
            self.total = (changed - self.accepted_at).total_seconds()
        return (changed - started).total_seconds() if started is not None and measurable else None

    def best_interval(self, estimator: DurationEstimator, now: datetime) -> float:
        """Return the best seconds until the next question, before any limit."""
        waited = max(0.0, (now - self.waiting_since).total_seconds())
        if self.request_id is None:
            return search_interval(waited)
        if self.state is State.OVERDUE:
            return RARE_INTERVAL
        if self.state is State.SUCCEEDED:
            return link_interval(waited)
        if self.processing_since is None:
            return queued_interval(waited)
        processed = (now - self.processing_since).total_seconds()
        return estimator.best_interval(self.job.model, self.job.request.duration, processed)

    def interval(self, estimator: DurationEstimator, now: datetime) -> float:
        """Return the seconds until the next question about this job alone."""
        interval = self.best_interval(estimator, now)
        return within_limits(interval) if self.processing_since is not None else interval

    def urgency(self, estimator: DurationEstimator, now: datetime) -> float:
        """Return how many of its intervals the job has waited since it was asked about."""
        if self.deadline is not None and now >= self.deadline:
            return math.inf
        return (now - self.last_asked).total_seconds() / self.interval(estimator, now)

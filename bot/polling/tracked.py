"""One job that is followed: how it was last seen, and how long it was processed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.gmi.schemas import RequestStatus
from bot.models.jobs import Job, State
from bot.polling.estimator import (
    LATE,
    DurationEstimator,
    link_interval,
    queued_interval,
    search_interval,
    within_limits,
)

# A change that happened somewhere in a longer gap teaches nothing: the bot was down, or GMI did not answer.
GAP_MAX = 45.0  # seconds between two sightings; after a longer one nobody knows when the state changed


@dataclass(slots=True, eq=False)
class TrackedRequest:
    """A job as the watch sees it."""

    job: Job  # as it stood when it began to be followed
    state: State
    since: datetime  # when its waiting began: in line, for its link, or for a lost POST to be found
    seen: datetime  # when it was last certain to be in this state
    asked: datetime
    deadline: datetime | None  # None once it was told
    started: datetime | None = None  # of processing, as near as it is known
    teaches: bool = False  # whether that is near enough to learn from
    in_list: bool | None = None  # whether the list serves it; None where no list has told
    singly: bool = False  # no list serves it any more: what the list said of it was not enough
    doubted: RequestStatus | None = (
        None  # a failure without a reason, until a question about it alone is answered
    )

    @classmethod
    def begin(
        cls, job: Job, deadline: datetime, now: datetime, *, found: bool, doubted: RequestStatus | None = None
    ) -> Self:
        """Return a job as it begins to be followed, now or again after a restart.

        A lost POST that was found may have been in its state for any time.
        """
        seen = job.state_since or job.created_at
        since = job.created_at if job.request_id else now
        one = cls(job, job.state, seen if job.awaits_link else since, seen, now, deadline)
        if job.awaits_link or doubted is not None:
            one.singly, one.in_list, one.doubted = True, False, doubted
        if job.state is State.PROCESSING:
            one.started, one.teaches = seen, not found
        return one

    @property
    def request_id(self) -> str | None:
        """Return GMI's id of it, None for a lost POST."""
        return self.job.request_id

    def hear(self, state: State | None, now: datetime) -> float | None:
        """Take the state that GMI reports; return the seconds of processing once they are known."""
        working = state in {State.QUEUED, State.PROCESSING}
        if state is None or (self.state in {State.OVERDUE, State.SUCCEEDED} and working):
            return None
        before, gap = self.state, now - self.seen
        self.state, self.seen = state, now
        if state is before:
            return None
        # It changed at any moment since it was last seen: half of the gap is the best guess.
        changed, near = now - gap / 2, gap.total_seconds() <= GAP_MAX
        started, teaches = self.started, self.teaches and near
        self.started, self.teaches = None, False
        if state is State.PROCESSING:
            self.started, self.teaches = changed, near
        elif state in {State.QUEUED, State.SUCCEEDED}:
            self.since = now
        if state is State.SUCCEEDED and started is not None and teaches:
            return (changed - started).total_seconds()
        return None

    def pause(self, estimator: DurationEstimator, now: datetime) -> float:
        """Return the best seconds until the next question, before any limit."""
        waited = max(0.0, (now - self.since).total_seconds())
        if self.request_id is None:
            return search_interval(waited)
        if self.state is State.OVERDUE:
            return LATE
        if self.state is State.SUCCEEDED:
            return link_interval(waited)
        if self.started is None:
            return queued_interval(waited)
        processed = (now - self.started).total_seconds()
        return estimator.pause(self.job.model, self.job.request.duration, processed)

    def interval(self, estimator: DurationEstimator, now: datetime) -> float:
        """Return the seconds until the next question about this job alone."""
        pause = self.pause(estimator, now)
        return within_limits(pause) if self.started is not None else pause

    def urgency(self, estimator: DurationEstimator, now: datetime) -> float:
        """Return how many of its intervals the job has waited since it was asked about."""
        if self.deadline is not None and now >= self.deadline:
            return math.inf
        return (now - self.asked).total_seconds() / self.interval(estimator, now)

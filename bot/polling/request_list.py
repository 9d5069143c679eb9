"""When GMI's list of requests is worth asking for: its cost beside single questions, and when it is due."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.gmi.rate import RequestRate
from bot.models.states import State
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.intervals import INTERVAL_MAX, INTERVAL_MIN, shared_interval
from bot.polling.tracked import TrackedRequest

PAUSE = timedelta(minutes=1)  # before a list that was of no use is tried again
RECHECK = timedelta(minutes=30)  # before a list that was too long is weighed again
QUESTION_COST = 4096  # bytes beside the record: both headers, and the work that a request is at either end
TYPICAL_INTERVAL = 10.0  # seconds between two single questions about a job, to compare with the budget
BYTES_A_SECOND = 512 * 1024  # that a list may cost where nothing cheaper keeps within the budget


class ListSchedule:
    """Decides when the next list is due; `known` is always how many tracked jobs have an id at GMI."""

    def __init__(self, now: datetime, rate: RequestRate) -> None:
        self._rate = rate
        self._asked_at = self._useless_until = now
        self._size = self._records = 0  # bytes and records of the last list
        self.due: datetime | None = None  # None while no list serves anybody

    def measure(self, size: int, records: int) -> None:
        """Keep what a list cost."""
        self._size, self._records = size, records

    def is_cheap(self, known: int) -> bool:
        """Tell whether the last list had fewer bytes than a question about each job."""
        return self._size <= known * (self._size / max(self._records, 1) + QUESTION_COST)

    def pays(self, known: int) -> bool:
        """Tell whether the list is cheaper than single questions, or these would break the budget."""
        return known * self._rate.seconds_a_request > TYPICAL_INTERVAL or self.is_cheap(known)

    def is_usable(self, known: int, now: datetime) -> bool:
        """Tell whether a list may be asked for at all, or to see whether it still costs too much."""
        return now >= self._useless_until and (self.pays(known) or now >= self._asked_at + RECHECK)

    def answered(self, now: datetime) -> None:
        """Keep when the last list was asked for."""
        self._asked_at = now

    def set_aside(self, known: int, now: datetime, pause: timedelta) -> None:
        """Ask for no list for so long, or for longer where it is too long: it showed no job of ours."""
        self._useless_until = now + (pause if self.is_cheap(known) else RECHECK)

    def hasten(self, known: int, moment: datetime) -> None:
        """Let the next list come by this moment, but not too soon after the last one."""
        if self.due is not None:
            soonest = self._asked_at + timedelta(seconds=self._interval_min(known))
            self.due = max(soonest, min(moment, self.due))

    def plan(
        self, served: Iterable[TrackedRequest], estimator: DurationEstimator, known: int, now: datetime
    ) -> None:
        """Set when the list is to be asked for again to serve these jobs."""
        processing, at_most = [], math.inf
        for request in served:
            if request.state is State.PROCESSING:
                processing.append(request)
            else:
                at_most = min(at_most, request.best_interval(estimator, now))
        if processing:
            at_most = min(at_most, INTERVAL_MAX)
        elif at_most == math.inf:
            self.due = None
            return
        intervals = (request.best_interval(estimator, now) for request in processing)
        seconds = max(shared_interval(intervals, at_most), self._interval_min(known))
        self.due = now + timedelta(seconds=seconds)

    def _interval_min(self, known: int) -> float:
        return INTERVAL_MIN if self.is_cheap(known) else max(INTERVAL_MIN, self._size / BYTES_A_SECOND)

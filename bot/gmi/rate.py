"""How fast GMI Cloud may be asked: the share of one process in what the operator allows, and pauses.

GMI limits an organization, not a process. So where several processes share the work, each takes its part of
the requests a minute, and a pause that GMI asked one of them for is kept by all.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from bot.clock import Clock
from bot.gmi.errors import GmiError


class Traffic(StrEnum):
    """What is sent to GMI, as far as its limits differ. The values are stored: never rename one."""

    QUESTIONS = "questions"
    SUBMITS = "submits"


class RequestRate:
    """What this process may send. With `share_pauses` one that GMI asked for stops more than one job."""

    def __init__(self, clock: Clock, per_minute: int, processes: Callable[[], int] = lambda: 1) -> None:
        self._clock = clock
        self._per_minute = per_minute
        self._processes = processes  # how many share it at this moment
        self._ends = dict.fromkeys(Traffic, clock.now())
        self._announce: Callable[[Traffic, float], None] | None = None

    @property
    def seconds_a_request(self) -> float:
        """Return how many seconds of this process' time one request takes up."""
        return 60 * self._processes() / self._per_minute

    @property
    def a_second(self) -> int:
        """Return how many requests may be sent together, at least one."""
        return max(1, self._per_minute // (60 * self._processes()))

    def share_pauses(self, announce: Callable[[Traffic, float], None]) -> None:
        """From now on keep every pause for all jobs, and have other processes told of those met here."""
        self._announce = announce

    def met(self, traffic: Traffic, error: GmiError) -> None:
        """Take an error of GMI: it may ask for a pause that concerns everybody who shares its limits."""
        if self._announce is not None and error.is_rate_limit and error.retry_after is not None:
            self.pause(traffic, error.retry_after)
            self._announce(traffic, error.retry_after)

    def pause(self, traffic: Traffic, seconds: float) -> None:
        """Send nothing of this kind for so many seconds; a longer pause stays as it is."""
        self._ends[traffic] = max(self._ends[traffic], self._clock.now() + timedelta(seconds=seconds))

    def pause_left(self, traffic: Traffic) -> float:
        """Return for how many seconds nothing of this kind may be sent; 0 where it may."""
        return max(0.0, (self._ends[traffic] - self._clock.now()).total_seconds())

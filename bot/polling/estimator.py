"""What is learned about how long jobs take, and when to ask next because of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from bot.polling.intervals import hazard, until_one_poll

POLL_COST = 0.1  # c, the seconds of delay that a poll is worth: 1 to 2 s of mean delay at usual durations
HOLD = 2.5  # standard deviations above the mean log; beyond, a log-normal hazard falls, a real one need not
LATE_SHARE = 0.08  # of the time past that point: a job that nobody can explain is asked about ever less

FORGETTING = 0.98  # of the weight of what was learned, a job: the last 50 jobs count
PRIOR_JOBS = 2.0  # how many jobs the guess below is worth
# Too low a guess costs a few polls, too high a one lets the first members wait.
PRIOR_LOG, PRIOR_VARIANCE = math.log(30.0), 0.25
DEVIATION_MIN = 0.05  # of the log; jobs are never as alike as a few of them may look
ENOUGH_JOBS = 5  # before a median is shown
LOG_MIN, LOG_MAX = math.log(0.5), math.log(7 * 24 * 3600.0)  # of the seconds that a duration can truly have


@dataclass(slots=True)
class _Durations:
    """The log durations of one kind of job: their weight in jobs, mean and variance."""

    count: float = 0.0
    mean: float = 0.0
    variance: float = 0.0

    def add(self, log_seconds: float) -> None:
        before = self.count * FORGETTING
        self.count = before + 1.0
        off = log_seconds - self.mean
        self.mean += off / self.count
        self.variance = (before / self.count) * (self.variance + off * off / self.count)

    def expected(self) -> tuple[float, float]:
        """Return mean and deviation of the log, with the prior in it; its weight is forgotten as well."""
        prior = PRIOR_JOBS * max(0.0, 1.0 - (1.0 - FORGETTING) * self.count)
        weight = prior + self.count
        mean = (prior * PRIOR_LOG + self.count * self.mean) / weight
        variance = (prior * PRIOR_VARIANCE + self.count * self.variance) / weight
        return mean, max(DEVIATION_MIN, math.sqrt(variance))

    def is_possible(self) -> bool:
        """Tell whether these are numbers that `add` can have come to."""
        return (
            0.0 < self.count <= 1.0 / (1.0 - FORGETTING) + 1.0
            and LOG_MIN - 1e-6 <= self.mean <= LOG_MAX + 1e-6
            and 0.0 <= self.variance <= (LOG_MAX - LOG_MIN) ** 2
        )


_UNKNOWN = _Durations()


class DurationEstimator:
    """What was learned about durations, by model and length of the clip in seconds."""

    def __init__(self, *, poll_cost: float = POLL_COST) -> None:
        self._poll_cost = poll_cost
        self._durations: dict[tuple[str, int], _Durations] = {}

    def learn(self, model: str, duration: int, seconds: float) -> None:
        """Take into account that such a job was processed for that many seconds."""
        if math.isfinite(seconds):
            log_seconds = min(max(math.log(max(seconds, 1e-9)), LOG_MIN), LOG_MAX)
            self._durations.setdefault((model, duration), _Durations()).add(log_seconds)

    def expected(self, model: str, duration: int) -> tuple[float, float]:
        """Return mean and standard deviation of the logarithm of the seconds that such a job takes."""
        return self._durations.get((model, duration), _UNKNOWN).expected()

    def median(self, model: str, duration: int) -> float | None:
        """Return the median seconds that such a job is processed, None until enough jobs taught it."""
        durations = self._durations.get((model, duration))
        enough = sum(FORGETTING**age for age in range(ENOUGH_JOBS)) - 1e-9
        return math.exp(durations.mean) if durations is not None and durations.count >= enough else None

    def best_interval(self, model: str, duration: int, processed: float) -> float:
        """Return the best seconds until the next question about a job that has been processed for so long.

        Not limited yet, infinite where it cannot be finished: see `within_limits` and `shared_interval`.
        """
        mean, deviation = self.expected(model, duration)
        held_from = math.exp(mean + HOLD * deviation)

        def polls_a_second(ahead: float) -> float:
            rate = hazard(min(processed + ahead, held_from), mean, deviation)
            return math.sqrt(rate / (2 * self._poll_cost))

        return max(until_one_poll(polls_a_second), (processed - held_from) * LATE_SHARE)

    def dump(self) -> str:
        """Return what was learned as text, for `load`."""
        return json.dumps([[*key, *astuple(durations)] for key, durations in self._durations.items()])

    def load(self, text: str) -> None:
        """Take over what `dump` returned, in place of what was learned. Raises ValueError."""
        self._durations = dict(_parse_rows(json.loads(text)))


def _parse_rows(rows: object) -> Iterator[tuple[tuple[str, int], _Durations]]:
    if not isinstance(rows, list):
        raise ValueError("no list of what was learned")
    for row in rows:
        match row:
            case [str(model), int(duration), float(count), float(mean), float(variance)]:
                durations = _Durations(count, mean, variance)
            case _:
                raise ValueError("a row is not what was learned")
        if not durations.is_possible():
            raise ValueError("a row holds numbers that cannot have been learned")
        yield (model, duration), durations

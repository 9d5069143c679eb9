"""What is learned about how long jobs take, and when to ask next because of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from enum import StrEnum

from bot.polling.schedule.intervals import hazard, until_one_poll

POLL_COST = 0.1  # c, the seconds of delay that a poll is worth: 1 to 2 s of mean delay at usual durations
HOLD = 2.5  # standard deviations above the mean log; beyond, a log-normal hazard falls, a real one need not
LATE_SHARE = 0.08  # of the time past that point: a job that nobody can explain is asked about ever less

FORGETTING = 0.98  # of the weight of what was learned, a job: the last 50 jobs count
PRIOR_JOBS = 2.0  # how many jobs the guess below is worth
DEVIATION_MIN = 0.05  # of the log; jobs are never as alike as a few of them may look
LOG_MIN, LOG_MAX = math.log(0.5), math.log(7 * 24 * 3600.0)  # of the seconds that a duration can truly have
# Standard deviations of the 80th percentile: of five jobs four are ready by then, the fifth is late.
USUAL = 0.8416


class Span(StrEnum):
    """Which part of a job lasts so long. The value of the second one is stored."""

    RENDERING = "rendering"  # from the beginning of processing to the success
    IN_ALL = "in all"  # from GMI's acceptance to the success, with the time in line


# Mean and variance of the log before the first job. Too low a guess costs a few polls, too high a one lets
# the first members wait.
_PRIORS = {Span.RENDERING: (math.log(30.0), 0.25), Span.IN_ALL: (math.log(40.0), 0.36)}


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

    def expected(self, span: Span) -> tuple[float, float]:
        """Return mean and deviation of the log, with the prior in it; its weight is forgotten as well."""
        prior = PRIOR_JOBS * max(0.0, 1.0 - (1.0 - FORGETTING) * self.count)
        weight = prior + self.count
        prior_mean, prior_variance = _PRIORS[span]
        mean = (prior * prior_mean + self.count * self.mean) / weight
        variance = (prior * prior_variance + self.count * self.variance) / weight
        return mean, max(DEVIATION_MIN, math.sqrt(variance))

    def is_possible(self) -> bool:
        """Tell whether these are numbers that `add` can have come to."""
        return (
            0.0 < self.count <= 1.0 / (1.0 - FORGETTING) + 1.0
            and LOG_MIN - 1e-6 <= self.mean <= LOG_MAX + 1e-6
            and 0.0 <= self.variance <= (LOG_MAX - LOG_MIN) ** 2
        )


_UNKNOWN = _Durations()
_Key = tuple[Span, str, int]


class DurationEstimator:
    """What was learned about durations, by model and length of the clip in seconds."""

    def __init__(self, *, poll_cost: float = POLL_COST) -> None:
        self._poll_cost = poll_cost
        self._durations: dict[_Key, _Durations] = {}

    def learn(self, model: str, duration: int, seconds: float, span: Span = Span.RENDERING) -> None:
        """Take into account that this part of such a job took that many seconds."""
        if math.isfinite(seconds):
            log_seconds = min(max(math.log(max(seconds, 1e-9)), LOG_MIN), LOG_MAX)
            self._durations.setdefault((span, model, duration), _Durations()).add(log_seconds)

    def expected(self, model: str, duration: int, span: Span = Span.RENDERING) -> tuple[float, float]:
        """Return mean and standard deviation of the logarithm of the seconds that this part takes."""
        return self._durations.get((span, model, duration), _UNKNOWN).expected(span)

    def usual(self, model: str, duration: int, span: Span) -> float:
        """Return the seconds after which four of five such jobs are ready; a guess until some taught it."""
        mean, deviation = self.expected(model, duration, span)
        return math.exp(min(mean + USUAL * deviation, LOG_MAX))

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
        return json.dumps(
            [
                [*key, *astuple(durations), *([span] if span is not Span.RENDERING else [])]
                for (span, *key), durations in self._durations.items()
            ]
        )

    def load(self, text: str) -> None:
        """Take over what `dump` returned, in place of what was learned. Raises ValueError."""
        self._durations = dict(_parse_rows(json.loads(text)))


def _parse_rows(rows: object) -> Iterator[tuple[_Key, _Durations]]:
    if not isinstance(rows, list):
        raise ValueError("no list of what was learned")
    for row in rows:
        match row:
            case [str(model), int(duration), float(count), float(mean), float(variance)]:
                span = Span.RENDERING  # the only part that earlier versions knew
            case [str(model), int(duration), float(count), float(mean), float(variance), Span.IN_ALL.value]:
                span = Span.IN_ALL
            case _:
                raise ValueError("a row is not what was learned")
        durations = _Durations(count, mean, variance)
        if not durations.is_possible():
            raise ValueError("a row holds numbers that cannot have been learned")
        yield (span, model, duration), durations

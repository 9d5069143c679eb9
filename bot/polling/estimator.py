"""When to ask next: learn how long jobs take, and ask most often when one is most likely to be finished.

Where a poll is worth c seconds of delay and h is the hazard of the duration, the cheapest pause between two
polls is sqrt(2c / h) (Keller 1974; Barlow, Hunter and Proschan 1963). Durations are taken as log-normal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass

SHORTEST = 1.0  # seconds; also keeps the list below 60 requests a minute, however many jobs it serves
# Seconds. While a job is rendered only its end is still to come, and the card counts by itself; a cap of 15 s
# would cost 1.4 times fewer polls than fixed 5 s where this one reaches 1.5 (`make bench ARGS=asking`).
LONGEST = 30.0
LATE = 10 * 60.0  # seconds between questions about a job that is overdue or was lost long ago

SEARCH_SOON, SEARCH_SOON_FOR = 5.0, 60.0  # seconds: a POST that arrived shows in the list at once

# Up to so many seconds in line, and the seconds between questions. A line says nothing of its length, so
# nothing is learned of it; early steps are short because they tell when processing began.
QUEUED_LONGEST = 15.0
QUEUED_LADDER = ((30.0, 2.0), (120.0, 5.0), (600.0, 10.0))

# The same for a job that is finished and whose link is missing: it follows within moments, or somebody at GMI
# has to notice. Beyond the last step it is LATE.
LINK_LADDER = ((3.0, 0.5), (30.0, 2.0), (300.0, 10.0), (3600.0, 60.0))

LOOKS_AHEAD = 12  # moments within the longest pause
POLL_COST = 0.1  # c, the seconds of delay that a poll is worth: 1 to 2 s of mean delay at usual durations
HOLD = 2.5  # standard deviations above the mean log; beyond, a log-normal hazard falls, a real one need not
LATE_SHARE = 0.08  # of the time past that point: a job that nobody can explain is asked about ever less

FORGETTING = 0.98  # of the weight of what was learned, a job: the last 50 jobs count
PRIOR_JOBS = 2.0  # how many jobs the guess below is worth
# Too low a guess costs a few polls, too high a one lets the first members wait.
PRIOR_LOG, PRIOR_VARIANCE = math.log(30.0), 0.25
DEVIATION_MIN = 0.05  # of the log; jobs are never as alike as a few of them may look
ENOUGH_JOBS = 5  # before a usual duration is told
LOG_MIN, LOG_MAX = math.log(0.5), math.log(7 * 24 * 3600.0)  # of the seconds that a duration can truly have

# Standard deviations, below which the density and above which the survival are no usable floats any more.
_DENSITY_NOTHING, _SURVIVAL_NOTHING = -38.0, 30.0


@dataclass(slots=True)
class _Learned:
    """The log durations of one kind of job: their weight in jobs, mean and variance."""

    count: float = 0.0
    mean: float = 0.0
    variance: float = 0.0

    def learn(self, log_seconds: float) -> None:
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

    def makes_sense(self) -> bool:
        """Tell whether these are numbers that `learn` can have come to."""
        return (
            0.0 < self.count <= 1.0 / (1.0 - FORGETTING) + 1.0
            and LOG_MIN - 1e-6 <= self.mean <= LOG_MAX + 1e-6
            and 0.0 <= self.variance <= (LOG_MAX - LOG_MIN) ** 2
        )


_NOTHING_LEARNED = _Learned()


class DurationEstimator:
    """What was learned about durations, by model and length of the clip in seconds."""

    def __init__(self, *, poll_cost: float = POLL_COST) -> None:
        self._poll_cost = poll_cost
        self._learned: dict[tuple[str, int], _Learned] = {}

    def learn(self, model: str, duration: int, seconds: float) -> None:
        """Take into account that such a job was processed for that many seconds."""
        if math.isfinite(seconds):
            log_seconds = min(max(math.log(max(seconds, 1e-9)), LOG_MIN), LOG_MAX)
            self._learned.setdefault((model, duration), _Learned()).learn(log_seconds)

    def usual(self, model: str, duration: int) -> float | None:
        """Return the median seconds that such a job is processed, None until enough jobs taught it."""
        learned = self._learned.get((model, duration))
        enough = sum(FORGETTING**age for age in range(ENOUGH_JOBS)) - 1e-9
        return math.exp(learned.mean) if learned is not None and learned.count >= enough else None

    def pause(self, model: str, duration: int, processed: float) -> float:
        """Return the best seconds until the next question about a job that has been processed for so long.

        Not limited yet, infinite where it cannot be finished: see `within_limits` and `for_all`.
        """
        mean, deviation = self._learned.get((model, duration), _NOTHING_LEARNED).expected()
        held_from = math.exp(mean + HOLD * deviation)

        def polls_a_second(ahead: float) -> float:
            rate = hazard(min(processed + ahead, held_from), mean, deviation)
            return math.sqrt(rate / (2 * self._poll_cost))

        return max(_until_one(polls_a_second), (processed - held_from) * LATE_SHARE)

    def dump(self) -> str:
        """Return what was learned as text, for `load`."""
        return json.dumps([[*key, *astuple(learned)] for key, learned in self._learned.items()])

    def load(self, text: str) -> None:
        """Take over what `dump` returned, in place of what was learned. Raises ValueError."""
        self._learned = dict(_parse_rows(json.loads(text)))


def hazard(processed: float, mean: float, deviation: float) -> float:
    """Return how likely a log-normal duration ends in the next second, given that it has lasted so long."""
    if not 0 < processed < math.inf:
        return 0.0
    z = (math.log(processed) - mean) / deviation
    if z < _DENSITY_NOTHING:
        return 0.0
    if z > _SURVIVAL_NOTHING:
        return (z + 1 / z) / (deviation * processed)  # what the quotient below comes to
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    survival = math.erfc(z / math.sqrt(2)) / 2
    return density / (survival * deviation * processed)


def within_limits(pause: float, at_most: float = LONGEST) -> float:
    """Return this pause, neither so short that it shows nothing new, nor so long that the card grows old."""
    return max(SHORTEST, min(pause, at_most))


def for_all(pauses: Iterable[float], at_most: float = LONGEST) -> float:
    """Return the seconds until the next list that serves all these jobs: their hazards add up."""
    rate = 0.0
    for pause in pauses:
        rate += max(pause, SHORTEST) ** -2
        if rate >= SHORTEST**-2:  # of ten thousand jobs a few decide
            return within_limits(SHORTEST, at_most)
    return within_limits(rate**-0.5 if rate > 0 else math.inf, at_most)


def queued_interval(waited: float) -> float:
    """Return the seconds until the next question about a job that has been in line for so long."""
    return next((step for until, step in QUEUED_LADDER if waited < until), QUEUED_LONGEST)


def link_interval(waited: float) -> float:
    """Return the seconds until the next question for a link that has been missing for so long."""
    return next((step for until, step in LINK_LADDER if waited < until), LATE)


def search_interval(searched: float) -> float:
    """Return the seconds until the next look for a lost POST that was looked for this many seconds."""
    return SEARCH_SOON if searched < SEARCH_SOON_FOR else LATE


def _until_one(polls_a_second: Callable[[float], float]) -> float:
    """Return after how many seconds this density has come to one poll.

    The density of this very moment is not enough: it says nothing of a job that begins, and may end soon.
    """
    now = polls_a_second(0.0)
    if now * SHORTEST >= 1.0:
        return 1.0 / now
    polls, step = 0.0, LONGEST / LOOKS_AHEAD
    for look in range(1, LOOKS_AHEAD + 1):
        then = polls_a_second(look * step)
        more = (now + then) / 2 * step
        if polls + more >= 1.0:
            return (look - 1 + (1.0 - polls) / more) * step
        polls, now = polls + more, then
    return LONGEST / polls if polls > 0 else math.inf


def _parse_rows(rows: object) -> Iterator[tuple[tuple[str, int], _Learned]]:
    if not isinstance(rows, list):
        raise ValueError("no list of what was learned")
    for row in rows:
        match row:
            case [str(model), int(duration), float(count), float(mean), float(variance)]:
                learned = _Learned(count, mean, variance)
            case _:
                raise ValueError("a row is not what was learned")
        if not learned.makes_sense():
            raise ValueError("a row holds numbers that cannot have been learned")
        yield (model, duration), learned

"""How long to wait before the next question: the best interval for a hazard, its limits, and fixed ladders.

Where a poll is worth c seconds of delay and h is the hazard of the duration, the best interval between two
polls is sqrt(2c / h) (Keller 1974; Barlow, Hunter and Proschan 1963). Durations are taken as log-normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

INTERVAL_MIN = 1.0  # seconds; also keeps the list below 60 requests a minute, however many jobs it serves
# Seconds. While a job is rendered only its end is still to come, and the card counts by itself; a cap of 15 s
# would cost 1.4 times fewer polls than fixed 5 s where this one reaches 1.5 (`make bench ARGS=asking`).
INTERVAL_MAX = 30.0
RARE_INTERVAL = 10 * 60.0  # seconds between questions about a job that is overdue or was lost long ago

SEARCH_SOON, SEARCH_SOON_FOR = 5.0, 60.0  # seconds: a POST that arrived shows in the list at once

# Up to so many seconds in line, and the seconds between questions. A line says nothing of its length, so
# nothing is learned of it; early steps are short because they tell when processing began.
QUEUED_LADDER = ((30.0, 2.0), (120.0, 5.0), (600.0, 10.0))
QUEUED_MAX = 15.0

# The same for a job that is finished and whose link is missing: it follows within moments, or somebody at GMI
# has to notice. Beyond the last step it is RARE_INTERVAL.
LINK_LADDER = ((3.0, 0.5), (30.0, 2.0), (300.0, 10.0), (3600.0, 60.0))

LOOKAHEAD_STEPS = 12  # moments within INTERVAL_MAX at which the hazard is looked at
# Standard deviations, below which the density and above which the survival are no usable floats any more.
_DENSITY_ZERO, _SURVIVAL_ZERO = -38.0, 30.0


def hazard(processed: float, mean: float, deviation: float) -> float:
    """Return how likely a log-normal duration ends in the next second, given that it has lasted so long."""
    if not 0 < processed < math.inf:
        return 0.0
    z = (math.log(processed) - mean) / deviation
    if z < _DENSITY_ZERO:
        return 0.0
    if z > _SURVIVAL_ZERO:
        return (z + 1 / z) / (deviation * processed)  # what the quotient below comes to
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    survival = math.erfc(z / math.sqrt(2)) / 2
    return density / (survival * deviation * processed)


def until_one_poll(polls_a_second: Callable[[float], float]) -> float:
    """Return after how many seconds this density of polls, from now on, has come to one; it may be infinite.

    The density of this very moment is not enough: it says nothing of a job that begins, and may end soon.
    """
    now = polls_a_second(0.0)
    if now * INTERVAL_MIN >= 1.0:
        return 1.0 / now
    polls, step = 0.0, INTERVAL_MAX / LOOKAHEAD_STEPS
    for number in range(1, LOOKAHEAD_STEPS + 1):
        then = polls_a_second(number * step)
        more = (now + then) / 2 * step
        if polls + more >= 1.0:
            return (number - 1 + (1.0 - polls) / more) * step
        polls, now = polls + more, then
    return INTERVAL_MAX / polls if polls > 0 else math.inf


def within_limits(interval: float, at_most: float = INTERVAL_MAX) -> float:
    """Return this interval, not so short that it shows nothing new, nor so long that the card grows old."""
    return max(INTERVAL_MIN, min(interval, at_most))


def shared_interval(intervals: Iterable[float], at_most: float = INTERVAL_MAX) -> float:
    """Return the seconds until the next list that serves all these jobs: their hazards add up."""
    rate = 0.0
    for interval in intervals:
        rate += max(interval, INTERVAL_MIN) ** -2
        if rate >= INTERVAL_MIN**-2:  # of ten thousand jobs a few decide
            return INTERVAL_MIN
    return within_limits(rate**-0.5 if rate > 0 else math.inf, at_most)


def queued_interval(waited: float) -> float:
    """Return the seconds until the next question about a job that has been in line for so long."""
    return next((step for until, step in QUEUED_LADDER if waited < until), QUEUED_MAX)


def link_interval(waited: float) -> float:
    """Return the seconds until the next question for a link that has been missing for so long."""
    return next((step for until, step in LINK_LADDER if waited < until), RARE_INTERVAL)


def search_interval(searched: float) -> float:
    """Return the seconds until the next search for a lost POST that has been searched for so long."""
    return SEARCH_SOON if searched < SEARCH_SOON_FOR else RARE_INTERVAL

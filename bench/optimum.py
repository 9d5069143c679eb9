"""The cheapest schedule for a known log-normal duration, exact by dynamic programming."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate, pairwise

HORIZON = 4.2  # standard deviations; one job in 75,000 takes longer


@dataclass(frozen=True, slots=True)
class Optimum:
    """What the cheapest schedule comes to, a job."""

    polls: float
    delay: float  # seconds
    cost: float  # polls times their price, and the delay


def optimum(
    median: float, deviation: float, poll_cost: float, limits: tuple[float, float] | None, step: float = 0.5
) -> Optimum:
    """Return the optimum over all schedules whose pauses keep the limits; times are multiples of the step.

    Backwards over the moments of a poll: the price of asking while the job still runs, the delay of what
    ends before the next poll, and the best of what follows.
    """
    last = int(median * math.exp(HORIZON * deviation) / step)
    shortest, longest = (1, last) if limits is None else (round(each / step) for each in limits)
    ended = [0.0] + [
        math.erfc((math.log(median) - math.log(at * step)) / deviation / math.sqrt(2)) / 2
        for at in range(1, last + longest + 1)
    ]
    pairs = pairwise(ended)
    area = list(accumulate(((one + other) / 2 * step for one, other in pairs), initial=0.0))
    cost, polls, delay = ([0.0] * len(ended) for _ in range(3))
    for now in range(last, -1, -1):
        # The delay until `then` of what ends in between: the integral of (then - u) over its density.
        def late(then: int, now: int = now) -> float:
            return area[then] - area[now] - (then - now) * step * ended[now]

        then = min(
            range(now + shortest, min(now + longest, len(ended) - 1) + 1),
            key=lambda then, late=late: late(then) + cost[then],  # type: ignore[misc]
        )
        polls[now] = 1.0 - ended[now] + polls[then]
        delay[now] = late(then) + delay[then]
        cost[now] = poll_cost * (1.0 - ended[now]) + late(then) + cost[then]
    return Optimum(polls[0], delay[0], cost[0])

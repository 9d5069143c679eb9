"""Asking: what the learned schedule costs beside those of other clients and beside the exact optimum."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.crowd import crowd
from bench.figure import Figure
from bench.optimum import Optimum, optimum
from bench.schedules import Schedule, fixed, full_jitter, installed
from bot.polling.schedule.estimator import POLL_COST, DurationEstimator
from bot.polling.schedule.intervals import INTERVAL_MAX, INTERVAL_MIN, within_limits

GROUP = "asking"
JOBS = 3_000
SEEDS = (1, 2, 3)
MEDIANS, DEVIATIONS = (60.0, 120.0), (0.2, 0.4, 0.6)
PRICES = (0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0)
FEWER = {0.2: 1.8, 0.4: 1.5}  # times fewer polls than fixed pauses with the same delay, by deviation
BESIDE_OPTIMUM = 1.15
STRICTER = 15.0  # seconds: what it would be with a shorter longest pause
BUDGET = 300  # requests a minute, as GMI_REQUESTS_PER_MINUTE has it
CROWDS = ((1, 300), (20, 30), (100, 10), (1_000, 2), (10_000, 1))  # jobs at once, jobs each in a row


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of job: its median seconds, and the deviation of their logarithm."""

    median: float
    deviation: float

    def __str__(self) -> str:
        return f"median {self.median:g} s, σ {self.deviation:g}"

    def durations(self, seed: int) -> list[float]:
        """Return how long each job takes."""
        chance = random.Random(seed)  # noqa: S311
        return [self.median * math.exp(chance.gauss(0, self.deviation)) for _ in range(JOBS)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a schedule came to, a job."""

    polls: float
    delay: float  # mean seconds


def figures(_: int) -> list[Figure]:
    """Return what asking costs: one job at a time, and many at once. Raises PackageChanged."""
    kinds = [Kind(median, deviation) for median in MEDIANS for deviation in DEVIATIONS]
    others = [fixed(0.5), fixed(2.0), fixed(5.0), full_jitter(), *installed()]
    found = [figure for kind in kinds for figure in _of_kind(kind, others)]
    return found + [figure for lists in (True, False) for figure in _of_crowds(lists=lists)]


def _of_kind(kind: Kind, others: Sequence[Schedule]) -> Iterator[Figure]:
    learned = [learn_and_ask(kind, seed, POLL_COST) for seed in SEEDS]
    best = optimum(kind.median, kind.deviation, POLL_COST, (INTERVAL_MIN, INTERVAL_MAX))
    free = optimum(kind.median, kind.deviation, POLL_COST, None)
    outcomes = {schedule.name: [ask(kind, seed, schedule) for seed in SEEDS] for schedule in others}
    outcomes[f"the learned hazard, c = {POLL_COST:g}"] = learned
    outcomes["the exact optimum within the same limits"] = [Outcome(best.polls, best.delay)]
    outcomes["the exact optimum without limits"] = [Outcome(free.polls, free.delay)]
    for name, runs in outcomes.items():
        yield Figure(GROUP, f"{kind}: polls a job, {name}", "polls", tuple(run.polls for run in runs), "")
        yield Figure(GROUP, f"{kind}: mean delay, {name}", "s", tuple(run.delay for run in runs), "")
    yield from (
        _beside_optimum(kind, learned, best, f"within {INTERVAL_MIN:g}..{INTERVAL_MAX:g} s"),
        _beside_optimum(kind, learned, free, "without limits"),
        _times_fewer(kind, INTERVAL_MAX, FEWER.get(kind.deviation)),
        _times_fewer(kind, STRICTER, None),
    )


def _beside_optimum(kind: Kind, learned: Sequence[Outcome], best: Optimum, limits: str) -> Figure:
    costs = tuple(POLL_COST * run.polls + run.delay for run in learned)
    reached = sorted(costs)[len(costs) // 2] <= BESIDE_OPTIMUM * best.cost
    return Figure(
        GROUP,
        f"{kind}: cost a job (polls times c, and the delay) beside the exact optimum {limits}",
        "s",
        costs,
        f"at most {BESIDE_OPTIMUM:g} times the optimum",
        reached,
        "the exact optimum by dynamic programming",
        (best.cost,),
        "" if reached else f"no pause above {INTERVAL_MAX:g} s costs more than this",
    )


def _times_fewer(kind: Kind, longest: float, goal: float | None) -> Figure:
    """Compare with fixed pauses at their mean delay, between prices of a poll."""
    plain = [ask(kind, seed, fixed(5.0)) for seed in SEEDS]
    ratios = tuple(
        run.polls / polls_at(run.delay, lambda price, seed=seed: learn_and_ask(kind, seed, price, longest))  # type: ignore[misc]
        for seed, run in zip(SEEDS, plain, strict=True)
    )
    mean = kind.median * math.exp(kind.deviation**2 / 2)
    best = polls_at(2.5, lambda price: _exact(kind, price, longest))
    bound = (mean / 5.0 + 0.5) / best
    reached = None if goal is None else sorted(ratios)[len(ratios) // 2] >= goal
    return Figure(
        GROUP,
        f"{kind}: times fewer polls than fixed 5 s at its mean delay, no pause above {longest:g} s",
        "times",
        ratios,
        "" if goal is None else f"at least {goal:g} times",
        reached,
        "the exact optimum within the same limits",
        (bound,),
        f"the exact optimum within the same limits comes to {bound:.2f} times" if reached is False else "",
    )


def _exact(kind: Kind, price: float, longest: float) -> Outcome:
    best = optimum(kind.median, kind.deviation, price, (INTERVAL_MIN, longest))
    return Outcome(best.polls, best.delay)


def polls_at(delay: float, measure: Callable[[float], Outcome]) -> float:
    """Return the polls a job at this mean delay, interpolated between the prices of a poll around it."""
    before = measure(PRICES[0])
    for price in PRICES[1:]:
        after = measure(price)
        if before.delay <= delay <= after.delay:
            share = (delay - before.delay) / (after.delay - before.delay)
            return before.polls + share * (after.polls - before.polls)
        before = after
    raise ValueError(f"no price of a poll leads to a mean delay of {delay:g} s")


def ask(kind: Kind, seed: int, schedule: Schedule) -> Outcome:
    """Ask about each job as this schedule does."""
    chance, polls, delay = random.Random(seed), 0, 0.0  # noqa: S311
    for duration in kind.durations(seed):
        if schedule.fixed is not None:
            asked = math.ceil(duration / schedule.fixed)
            now = asked * schedule.fixed
        else:
            asked, now = 0, 0.0
            while now < duration:
                now += schedule.pause(now, asked, chance)
                asked += 1
        polls += asked + schedule.at_once
        delay += now - duration
    return Outcome(polls / JOBS, delay / JOBS)


def learn_and_ask(kind: Kind, seed: int, price: float, longest: float = INTERVAL_MAX) -> Outcome:
    """Ask about one job after the other as the bot does; it knows nothing at first, and never the truth."""
    estimator, polls, delay = DurationEstimator(poll_cost=price), 0, 0.0
    for duration in kind.durations(seed):
        before = now = 0.0
        while now < duration:
            before = now
            now += within_limits(estimator.best_interval("model", 5, now), longest)
            polls += 1
        delay += now - duration
        estimator.learn("model", 5, (before + now) / 2)
    return Outcome(polls / JOBS, delay / JOBS)


def _of_crowds(*, lists: bool) -> Iterator[Figure]:
    served = "one list for all" if lists else f"no list, {BUDGET} requests a minute"
    most, burst = (60, 0) if lists else (BUDGET, BUDGET // 60)
    for size, each in CROWDS:
        what = f"{size:,} jobs at once, median 60 s, σ 0.4, {served}"
        run = asyncio.run(crowd(size, each, 60.0, 0.4, lists=lists, per_minute=BUDGET, seed=SEEDS[0]))
        goal = f"at most {most}" + (f" and a burst of {burst}" if burst else "")
        asked = run.requests_per_minute
        yield Figure(
            GROUP, f"{what}: busiest minute", "requests", (float(asked),), goal, asked <= most + burst
        )
        # One job alone is asked about singly: its delay is the price of a poll, see above.
        if lists and size > 1:
            yield Figure(GROUP, f"{what}: mean delay", "s", (run.delay,), "below 1 s", run.delay < 1)
        else:
            yield Figure(GROUP, f"{what}: mean delay", "s", (run.delay,), "")

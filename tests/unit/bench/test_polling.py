"""What the bench compares with is itself right; the installed packages are the bench's own affair."""

from __future__ import annotations

import pytest

from bench.crowd import crowd
from bench.optimum import optimum
from bench.polling import Kind, ask, learn_and_ask
from bench.schedules import fixed
from bot.polling.schedule.estimator import POLL_COST
from bot.polling.schedule.intervals import INTERVAL_MAX, INTERVAL_MIN

KIND = Kind(60.0, 0.4)


def test_no_schedule_is_cheaper_than_the_optimum() -> None:
    best = optimum(KIND.median, KIND.deviation, POLL_COST, (INTERVAL_MIN, INTERVAL_MAX))
    assert best.cost == pytest.approx(POLL_COST * best.polls + best.delay)
    for pause in (1.0, 2.0, 5.0):
        run = ask(KIND, 1, fixed(pause))
        assert POLL_COST * run.polls + run.delay > best.cost
    assert optimum(KIND.median, KIND.deviation, POLL_COST, None).cost <= best.cost
    assert best.cost < optimum(KIND.median, KIND.deviation, POLL_COST, (INTERVAL_MIN, 15.0)).cost


def test_the_learned_schedule_comes_near_the_optimum() -> None:
    best = optimum(KIND.median, KIND.deviation, POLL_COST, (INTERVAL_MIN, INTERVAL_MAX))
    run = learn_and_ask(KIND, 1, POLL_COST)
    assert POLL_COST * run.polls + run.delay <= 1.15 * best.cost


@pytest.mark.parametrize(("size", "each"), [(2, 10), (20, 3), (200, 1)])
async def test_the_list_keeps_its_rate_and_its_delay(size: int, each: int) -> None:
    run = await crowd(size, each, 60.0, 0.4, lists=True, per_minute=300, seed=1)
    assert run.requests_per_minute <= 60
    assert run.delay < 1.5


async def test_without_a_list_the_budget_is_kept() -> None:
    run = await crowd(200, 1, 60.0, 0.4, lists=False, per_minute=120, seed=1)
    assert run.requests_per_minute <= 120 + 120 // 60

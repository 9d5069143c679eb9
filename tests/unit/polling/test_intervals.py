"""How long to wait: the hazard beside a normal distribution of the library, and every step of the ladders."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.polling.schedule.estimator import DEVIATION_MIN
from bot.polling.schedule.intervals import (
    INTERVAL_MAX,
    INTERVAL_MIN,
    RARE_INTERVAL,
    hazard,
    link_interval,
    queued_interval,
    search_interval,
    shared_interval,
    until_one_poll,
    within_limits,
)

any_float = st.floats()
moment = st.floats(min_value=0, max_value=1e7)


@pytest.mark.parametrize("processed", [10.0, 40.0, 60.0, 61.0, 120.0, 150.0])
@pytest.mark.parametrize("deviation", [0.2, 0.4, 0.6])
def test_the_hazard_is_that_of_a_log_normal_duration(processed: float, deviation: float) -> None:
    z = (math.log(processed) - math.log(60)) / deviation
    survival = NormalDist().cdf(-z)
    expected = NormalDist().pdf(z) / survival / (deviation * processed)
    assert hazard(processed, math.log(60), deviation) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("processed", [0.0, -1.0, math.inf, math.nan, 1e-300])
def test_where_nothing_can_end_the_hazard_is_nothing(processed: float) -> None:
    assert hazard(processed, math.log(60), 0.4) == 0


def test_a_job_may_end_within_its_first_second() -> None:
    assert hazard(0.5, math.log(0.5), 0.4) == pytest.approx(2 * hazard(1.0, math.log(1.0), 0.4))


@given(any_float, st.floats(min_value=-1, max_value=14), st.floats(min_value=DEVIATION_MIN, max_value=14))
def test_the_hazard_is_a_number_for_every_float(processed: float, mean: float, deviation: float) -> None:
    assert 0 <= hazard(processed, mean, deviation) < math.inf


@given(st.floats(min_value=20, max_value=50))
def test_the_hazard_goes_on_where_the_survival_ends(z: float) -> None:
    def at(deviations: float) -> float:
        return hazard(math.exp(deviations * 0.1), 0, 0.1) * math.exp(deviations * 0.1) * 0.1

    assert z < at(z) < (z + 1 / z) * (1 + 1e-9)
    assert at(z) < at(z + 0.01)


@pytest.mark.parametrize("rate", [4.0, 1.0, 0.5, 0.1, 0.04, 1 / 30, 0.01])
def test_a_constant_rate_comes_to_one_poll_after_its_inverse(rate: float) -> None:
    assert until_one_poll(lambda _: rate) == pytest.approx(1 / rate)


@pytest.mark.parametrize(
    ("rising", "seconds"), [(0.02, 10.0), (2 / 81, 8.9143), (0.32, 2.5), (2 / 625, 25.0)]
)
def test_a_rising_rate_is_added_up(rising: float, seconds: float) -> None:
    assert until_one_poll(lambda ahead: rising * ahead) == pytest.approx(seconds, abs=1e-3)


def test_a_high_rate_of_this_moment_is_enough() -> None:
    asked: list[float] = []

    def rate(ahead: float) -> float:
        asked.append(ahead)
        return 1.0

    assert until_one_poll(rate) == 1.0
    assert asked == [0.0]


def test_without_any_rate_there_is_nothing_to_ask() -> None:
    assert until_one_poll(lambda _: 0.0) == math.inf


@pytest.mark.parametrize(
    ("interval", "limited"),
    [(0.2, 1.0), (1.0, 1.0), (5.0, 5.0), (30.0, 30.0), (99.0, 30.0), (math.inf, 30.0)],
)
def test_an_interval_has_limits(interval: float, limited: float) -> None:
    assert within_limits(interval) == limited
    assert within_limits(interval, 600.0) == min(max(interval, 1.0), 600.0)


def test_the_hazards_of_several_jobs_add_up() -> None:
    assert shared_interval([12.0]) == pytest.approx(12)
    assert shared_interval([12.0] * 4) == pytest.approx(6)
    assert shared_interval([2.0, 2.0]) == pytest.approx(math.sqrt(2))
    assert shared_interval([3.0, 4.0]) == pytest.approx(12 / 5)
    assert shared_interval([12.0] * 10_000) == INTERVAL_MIN
    assert shared_interval([0.01]) == INTERVAL_MIN
    assert shared_interval([math.inf] * 10_000) == INTERVAL_MAX
    assert shared_interval([]) == INTERVAL_MAX
    assert shared_interval([], RARE_INTERVAL) == RARE_INTERVAL
    assert shared_interval([40.0]) == INTERVAL_MAX
    assert shared_interval([40.0], 60.0) == pytest.approx(40)
    assert shared_interval([20.0], 15.0) == 15
    assert shared_interval([0.1, 20.0], 15.0) == INTERVAL_MIN


def test_of_many_jobs_a_few_decide() -> None:
    looked_at = 0

    def intervals() -> object:
        nonlocal looked_at
        for _ in range(10_000):
            looked_at += 1
            yield 4.0

    assert shared_interval(intervals()) == INTERVAL_MIN  # type: ignore[arg-type]
    assert looked_at == 16


@given(st.lists(st.floats(min_value=INTERVAL_MIN), max_size=50), st.floats(min_value=INTERVAL_MIN))
def test_another_job_never_makes_the_list_rarer(intervals: list[float], another: float) -> None:
    assert shared_interval([*intervals, another]) <= shared_interval(intervals)


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0, 2), (29.9, 2), (30, 5), (119.9, 5), (120, 10), (599.9, 10), (600, 15), (1e9, 15)],
)
def test_a_job_in_line_is_asked_about_ever_less(waited: float, seconds: float) -> None:
    assert queued_interval(waited) == seconds


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0, 0.5), (2.9, 0.5), (3, 2), (29.9, 2), (30, 10), (299, 10), (300, 60), (3599, 60), (3600, 600)],
)
def test_a_missing_link_is_asked_for_ever_less(waited: float, seconds: float) -> None:
    assert link_interval(waited) == seconds


@pytest.mark.parametrize(("searched", "seconds"), [(0, 5), (59.9, 5), (60, 600), (1e9, 600)])
def test_a_lost_post_is_searched_for_soon_and_then_rarely(searched: float, seconds: float) -> None:
    assert search_interval(searched) == seconds

"""When to ask next: limits that always hold, and what is learned."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.polling.estimator import DEVIATION_MIN, ENOUGH_JOBS, DurationEstimator
from bot.polling.intervals import (
    INTERVAL_MAX,
    INTERVAL_MIN,
    RARE_INTERVAL,
    hazard,
    queued_interval,
    search_interval,
    shared_interval,
    within_limits,
)

MODEL, CLIP = "vidu-q2-pro-r2v", 5

any_float = st.floats()
moment = st.floats(min_value=0, max_value=1e7)
durations = st.lists(any_float, max_size=60)


def taught(seconds: list[float]) -> DurationEstimator:
    estimator = DurationEstimator()
    for taken in seconds:
        estimator.learn(MODEL, CLIP, taken)
    return estimator


def log_normal(count: int, median: float, deviation: float, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [median * math.exp(chance.gauss(0, deviation)) for _ in range(count)]


@given(durations, any_float)
def test_an_interval_is_always_within_its_limits(seconds: list[float], processed: float) -> None:
    interval = within_limits(taught(seconds).best_interval(MODEL, CLIP, processed))
    assert INTERVAL_MIN <= interval <= INTERVAL_MAX


@given(
    durations, st.lists(any_float, max_size=20), st.floats(min_value=INTERVAL_MIN, max_value=RARE_INTERVAL)
)
def test_the_list_is_always_within_its_limits(
    seconds: list[float], processed: list[float], at_most: float
) -> None:
    estimator = taught(seconds)
    pauses = [estimator.best_interval(MODEL, CLIP, moment) for moment in processed]
    assert INTERVAL_MIN <= shared_interval(pauses, at_most) <= at_most


@given(any_float, st.floats(min_value=-1, max_value=14), st.floats(min_value=DEVIATION_MIN, max_value=14))
def test_the_hazard_is_a_number_for_every_float(processed: float, mean: float, deviation: float) -> None:
    assert 0 <= hazard(processed, mean, deviation) < math.inf


@given(st.floats(min_value=20, max_value=50))
def test_the_hazard_goes_on_where_the_survival_ends(z: float) -> None:
    def at(deviations: float) -> float:
        return hazard(math.exp(deviations * 0.1), 0, 0.1) * math.exp(deviations * 0.1) * 0.1

    assert z < at(z) < (z + 1 / z) * (1 + 1e-9)
    assert at(z) < at(z + 0.01)


@given(durations, moment, moment)
def test_questions_come_closer_until_the_usual_end(seconds: list[float], one: float, other: float) -> None:
    estimator = taught(seconds)
    mean, deviation = estimator.expected(MODEL, CLIP)
    assume(deviation <= 0.75)  # a log-normal hazard as narrow as this rises up to its median at least
    earlier, later = sorted((one, other))
    assume(later <= math.exp(mean))
    assert estimator.best_interval(MODEL, CLIP, earlier) >= estimator.best_interval(MODEL, CLIP, later) * (
        1 - 1e-9
    )


@given(durations, moment, moment)
def test_a_job_that_nobody_can_explain_is_asked_about_ever_less(
    seconds: list[float], one: float, other: float
) -> None:
    estimator = taught(seconds)
    mean, deviation = estimator.expected(MODEL, CLIP)
    earlier, later = sorted((one, other))
    assume(earlier > math.exp(mean + 2.5 * deviation))
    assert estimator.best_interval(MODEL, CLIP, earlier) <= estimator.best_interval(MODEL, CLIP, later)


@given(st.lists(st.floats(min_value=INTERVAL_MIN), max_size=50), st.floats(min_value=INTERVAL_MIN))
def test_another_job_never_makes_the_list_rarer(pauses: list[float], another: float) -> None:
    assert shared_interval([*pauses, another]) <= shared_interval(pauses)


def test_the_hazards_of_several_jobs_add_up() -> None:
    assert shared_interval([12.0]) == pytest.approx(12)
    assert shared_interval([12.0] * 4) == pytest.approx(6)
    assert shared_interval([12.0] * 10_000) == INTERVAL_MIN
    assert shared_interval([math.inf] * 10_000) == INTERVAL_MAX
    assert shared_interval([], RARE_INTERVAL) == RARE_INTERVAL


@pytest.mark.parametrize("median", [20, 60, 120, 400])
@pytest.mark.parametrize("deviation", [0.2, 0.4, 0.6])
def test_what_is_learned_comes_to_the_truth(median: float, deviation: float) -> None:
    estimator = taught(log_normal(400, median, deviation))
    learned = estimator.median(MODEL, CLIP)
    assert learned is not None
    assert math.log(learned / median) == pytest.approx(0, abs=3 * deviation / math.sqrt(50))
    mean, learned_deviation = estimator.expected(MODEL, CLIP)
    assert math.exp(mean) == pytest.approx(learned, rel=0.01)
    assert learned_deviation == pytest.approx(deviation, rel=0.35)


def test_a_few_jobs_outweigh_the_first_guess() -> None:
    before = DurationEstimator().best_interval(MODEL, CLIP, 30)
    after = taught(log_normal(10, 120, 0.2)).best_interval(MODEL, CLIP, 30)
    assert before < 15 < after


def test_a_change_is_followed() -> None:
    estimator = taught(log_normal(400, 60, 0.2))
    for seconds in log_normal(150, 180, 0.2, seed=2):
        estimator.learn(MODEL, CLIP, seconds)
    assert estimator.median(MODEL, CLIP) == pytest.approx(180, rel=0.1)


def test_a_median_is_told_after_enough_jobs_of_that_kind() -> None:
    estimator = taught([60.0] * (ENOUGH_JOBS - 1))
    assert estimator.median(MODEL, CLIP) is None
    estimator.learn(MODEL, CLIP, 60.0)
    assert estimator.median(MODEL, CLIP) == pytest.approx(60)
    assert estimator.median(MODEL, CLIP + 1) is None
    assert estimator.median("another", CLIP) is None


@given(durations)
def test_what_was_learned_comes_back_as_it_was(seconds: list[float]) -> None:
    estimator, again = taught(seconds), DurationEstimator()
    again.load(estimator.dump())
    assert again.dump() == estimator.dump()


ROW = [MODEL, CLIP, 10.0, 4.0, 0.04]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "7",
        "[7]",
        "[[]]",
        json.dumps([ROW[:-1]]),
        json.dumps([[*ROW, 1.0]]),
        json.dumps([[MODEL, "5", *ROW[2:]]]),
        *(json.dumps([[*ROW[:at], value, *ROW[at + 1 :]]]) for at in (2, 3, 4) for value in (math.nan, 1e99)),
        json.dumps([[*ROW[:2], -1.0, 4.0, 0.04]]),
        json.dumps([[*ROW[:4], -0.04]]),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(text: str) -> None:
    estimator = taught([60.0] * 5)
    before = estimator.dump()
    with pytest.raises(ValueError):  # noqa: PT011 - its text is for the log
        estimator.load(text)
    assert estimator.dump() == before


@given(moment, moment)
def test_the_ladders_only_climb(one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    assert INTERVAL_MIN <= queued_interval(earlier) <= queued_interval(later) <= INTERVAL_MAX
    assert search_interval(earlier) <= search_interval(later) <= RARE_INTERVAL

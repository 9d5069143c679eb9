"""When to ask next: limits that always hold, and what is learned."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.polling.schedule.estimator import DEVIATION_MIN, DurationEstimator, Span
from bot.polling.schedule.intervals import (
    INTERVAL_MAX,
    INTERVAL_MIN,
    RARE_INTERVAL,
    hazard,
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


@given(durations, moment, moment)
def test_questions_come_closer_until_the_usual_end(seconds: list[float], one: float, other: float) -> None:
    estimator = taught(seconds)
    mean, deviation = estimator.expected(MODEL, CLIP)
    assume(deviation <= 0.75)  # a log-normal hazard as narrow as this rises up to its median at least
    earlier, later = sorted((one, other))
    assume(later <= math.exp(mean))
    # Below the limit the exact figure has no meaning: the next question is never sooner.
    pause_earlier = within_limits(estimator.best_interval(MODEL, CLIP, earlier))
    pause_later = within_limits(estimator.best_interval(MODEL, CLIP, later))
    assert pause_earlier >= pause_later * (1 - 1e-9)


@given(durations, moment, moment)
def test_a_job_that_nobody_can_explain_is_asked_about_ever_less(
    seconds: list[float], one: float, other: float
) -> None:
    estimator = taught(seconds)
    mean, deviation = estimator.expected(MODEL, CLIP)
    earlier, later = sorted((one, other))
    assume(earlier > math.exp(mean + 2.5 * deviation))
    assert estimator.best_interval(MODEL, CLIP, earlier) <= estimator.best_interval(MODEL, CLIP, later)


@pytest.mark.parametrize("median", [20, 60, 120, 400])
@pytest.mark.parametrize("deviation", [0.2, 0.4, 0.6])
def test_what_is_learned_comes_to_the_truth(median: float, deviation: float) -> None:
    estimator = taught(log_normal(400, median, deviation))
    mean, learned_deviation = estimator.expected(MODEL, CLIP)
    assert mean == pytest.approx(math.log(median), abs=3 * deviation / math.sqrt(50) + 0.01)
    assert learned_deviation == pytest.approx(deviation, rel=0.35)


def test_a_few_jobs_outweigh_the_first_guess() -> None:
    before = DurationEstimator().best_interval(MODEL, CLIP, 30)
    after = taught(log_normal(10, 120, 0.2)).best_interval(MODEL, CLIP, 30)
    assert before < 15 < after


def test_a_change_is_followed() -> None:
    estimator = taught(log_normal(400, 60, 0.2))
    for seconds in log_normal(150, 180, 0.2, seed=2):
        estimator.learn(MODEL, CLIP, seconds)
    assert math.exp(estimator.expected(MODEL, CLIP)[0]) == pytest.approx(180, rel=0.1)


def test_before_the_first_job_there_is_a_guess_of_when_a_video_is_ready() -> None:
    nothing = DurationEstimator()
    # The 80th percentile of a log-normal distribution around 30 and 40 seconds.
    assert nothing.usual(MODEL, CLIP, Span.RENDERING) == pytest.approx(30 * math.exp(0.8416 * 0.5))
    assert nothing.usual(MODEL, CLIP, Span.IN_ALL) == pytest.approx(40 * math.exp(0.8416 * 0.6))


@pytest.mark.parametrize("span", Span)
@pytest.mark.parametrize(("median", "deviation"), [(20, 0.2), (60, 0.4), (120, 0.6), (400, 0.2)])
def test_four_of_five_videos_are_ready_by_then(span: Span, median: float, deviation: float) -> None:
    estimator = DurationEstimator()
    for seconds in log_normal(400, median, deviation):
        estimator.learn(MODEL, CLIP, seconds, span)
    usual = estimator.usual(MODEL, CLIP, span)
    later = log_normal(2000, median, deviation, seed=2)
    assert sum(seconds <= usual for seconds in later) / len(later) == pytest.approx(0.8, abs=0.1)


def test_parts_lengths_and_models_are_learned_apart() -> None:
    estimator, nothing = DurationEstimator(), DurationEstimator()
    estimator.learn(MODEL, CLIP, 600.0, Span.IN_ALL)
    assert estimator.usual(MODEL, CLIP, Span.IN_ALL) > 120
    for kind in (
        (MODEL, CLIP, Span.RENDERING),
        (MODEL, CLIP + 1, Span.IN_ALL),
        ("another", CLIP, Span.IN_ALL),
    ):
        assert estimator.usual(*kind) == nothing.usual(*kind)


@given(durations)
def test_a_video_is_never_expected_at_a_moment_that_cannot_be(seconds: list[float]) -> None:
    usual = taught(seconds).usual(MODEL, CLIP, Span.RENDERING)
    assert 0 < usual <= 7 * 24 * 3600 * (1 + 1e-9)


@given(durations)
def test_what_was_learned_comes_back_as_it_was(seconds: list[float]) -> None:
    estimator, again = taught(seconds), DurationEstimator()
    for taken in seconds:
        estimator.learn(MODEL, CLIP, taken, Span.IN_ALL)
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
        json.dumps([[*ROW, "elsewhere"]]),
        json.dumps([[*ROW, "in all", 1]]),
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


def test_what_an_earlier_version_wrote_is_read() -> None:
    estimator = DurationEstimator()
    estimator.load('[["vidu-q2-pro-r2v", 5, 10.0, 4.0, 0.04], ["another", 8, 1.0, 3.0, 0.0]]')
    prior = 2 * (1 - 0.02 * 10)
    mean = (prior * math.log(30) + 10 * 4.0) / (prior + 10)
    assert estimator.expected("vidu-q2-pro-r2v", 5)[0] == pytest.approx(mean)
    assert estimator.dump() == ('[["vidu-q2-pro-r2v", 5, 10.0, 4.0, 0.04], ["another", 8, 1.0, 3.0, 0.0]]')


@pytest.mark.parametrize(
    ("at", "value", "possible"),
    [
        (2, 0.0, False),
        (2, 1e-9, True),
        (2, 50.9, True),
        (2, 50.99, True),
        (2, 51.01, False),
        (3, math.log(0.5), True),
        (3, math.log(0.5) - 1e-4, False),
        (3, math.log(604_800), True),
        (3, math.log(604_800) + 1e-4, False),
        (4, 0.0, True),
        (4, math.log(2 * 604_800) ** 2 - 1e-6, True),
        (4, math.log(2 * 604_800) ** 2 + 1e-6, False),
    ],
)
def test_only_numbers_that_can_have_been_learned_are_read(at: int, value: float, possible: bool) -> None:
    text = json.dumps([[*ROW[:at], value, *ROW[at + 1 :]]])
    estimator = DurationEstimator()
    if possible:
        estimator.load(text)
        assert estimator.dump() == text
    else:
        with pytest.raises(ValueError, match="numbers that cannot"):
            estimator.load(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("7", "no list of what was learned"),
        ("[7]", "a row is not what was learned"),
        (json.dumps([[*ROW[:4], -0.04]]), "a row holds numbers that cannot have been learned"),
    ],
)
def test_the_log_can_say_why_it_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        DurationEstimator().load(text)


def test_the_first_guess_is_outweighed_by_what_is_learned() -> None:
    estimator = DurationEstimator()
    assert estimator.expected(MODEL, CLIP) == pytest.approx((math.log(30), 0.5))
    estimator.learn(MODEL, CLIP, 60)
    mean, deviation = estimator.expected(MODEL, CLIP)
    assert mean == pytest.approx((1.96 * math.log(30) + math.log(60)) / 2.96)
    assert deviation == pytest.approx(math.sqrt(1.96 * 0.25 / 2.96))
    estimator.learn(MODEL, CLIP, 120)
    count = 0.98 + 1
    prior = 2 * (1 - 0.02 * count)
    learned = math.log(60) + math.log(2) / count
    variance = 0.98 / count * (math.log(2) ** 2 / count)
    mean, deviation = estimator.expected(MODEL, CLIP)
    assert mean == pytest.approx((prior * math.log(30) + count * learned) / (prior + count))
    assert deviation == pytest.approx(math.sqrt((prior * 0.25 + count * variance) / (prior + count)))
    assert estimator.expected(MODEL, CLIP + 1) == pytest.approx((math.log(30), 0.5))


@pytest.mark.parametrize(
    ("seconds", "like"), [(0.0, 0.5), (-5.0, 0.5), (0.4, 0.5), (0.6, 0.6), (1e12, 604_800.0)]
)
def test_a_duration_that_cannot_be_is_limited(seconds: float, like: float) -> None:
    assert taught([seconds] * 5).dump() == taught([like] * 5).dump()


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan])
def test_what_is_no_duration_teaches_nothing(seconds: float) -> None:
    assert taught([seconds] * 5).dump() == "[]"


def test_jobs_are_never_taken_for_all_alike() -> None:
    mean, deviation = taught([60.0] * 400).expected(MODEL, CLIP)
    assert mean == pytest.approx(math.log(60), rel=1e-3)
    assert deviation == DEVIATION_MIN


def test_the_interval_is_the_cheapest_for_the_price_of_a_poll() -> None:
    held = 30 * math.exp(2.5 * 0.5)  # from here on the hazard is held
    rate = hazard(held, math.log(30), 0.5)
    for cost in (0.05, 0.1, 0.4):
        interval = DurationEstimator(poll_cost=cost).best_interval(MODEL, CLIP, held)
        assert interval == pytest.approx(math.sqrt(2 * cost / rate))
    assert DurationEstimator().best_interval(MODEL, CLIP, held) == pytest.approx(math.sqrt(0.2 / rate))


def test_a_job_that_is_late_is_asked_about_after_a_share_of_its_lateness() -> None:
    held = 30 * math.exp(2.5 * 0.5)
    assert DurationEstimator().best_interval(MODEL, CLIP, held + 1000) == pytest.approx(80)
    assert DurationEstimator().best_interval(MODEL, CLIP, held + 500) == pytest.approx(40)


def test_what_cannot_be_finished_yet_need_not_be_asked_about() -> None:
    assert taught([600.0] * 400).best_interval(MODEL, CLIP, 0) == math.inf

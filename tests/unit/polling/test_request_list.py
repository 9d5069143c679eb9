"""When the list is asked for: only where it is cheaper than single questions, and never too often."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.gmi.rate import RequestRate
from bot.models.states import State
from bot.polling.request_list import ListSchedule
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.tracked import TrackedRequest
from tests.unit.polling.rig import EPOCH, VirtualClock, job_of

MINUTE = timedelta(minutes=1)
ESTIMATOR = DurationEstimator()


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def schedule(per_minute: int = 300, size: int = 0, records: int = 0) -> ListSchedule:
    made = ListSchedule(EPOCH, RequestRate(VirtualClock(), per_minute))
    made.measure(size, records)
    return made


def tracked(state: State = State.QUEUED, since: float = 0.0) -> TrackedRequest:
    job = job_of(state=state, created_at=at(since))
    return TrackedRequest.begin(job, at(9999), at(since), found=False)


@pytest.mark.parametrize(
    ("size", "records", "known", "cheap"),
    [
        (0, 0, 1, True),
        (0, 0, 0, True),
        (1, 0, 0, False),
        (10_240, 10, 2, True),  # 2 * (1024 + 4096)
        (10_241, 10, 2, False),
        (10_240, 10, 1, False),
        (1_000_000, 1000, 195, False),
        (1_000_000, 1000, 197, True),
        (5_000, 0, 1, True),
        (10_000, 1, 1, True),  # it holds nothing but the record that would be asked for
    ],
)
def test_a_list_is_cheap_up_to_the_bytes_of_single_questions(
    size: int, records: int, known: int, cheap: bool
) -> None:
    assert schedule(size=size, records=records).is_cheap(known) is cheap


def test_a_long_list_pays_where_single_questions_break_the_budget() -> None:
    long = schedule(per_minute=60, size=10**8, records=1000)
    assert not long.pays(10)
    assert long.pays(11)
    assert schedule(per_minute=60).pays(1)


def test_a_list_of_no_use_is_left_alone_for_a_while() -> None:
    made = schedule()
    assert made.is_usable(2, at(0))
    made.set_aside(2, at(10), MINUTE)
    assert not made.is_usable(2, at(69.9))
    assert made.is_usable(2, at(70))


def test_a_long_list_of_no_use_is_left_alone_for_longer() -> None:
    made = schedule(per_minute=6, size=10**7, records=10)  # single questions would break the budget
    made.set_aside(2, at(0), MINUTE)
    assert not made.is_usable(2, at(1799))
    assert made.is_usable(2, at(1800))


def test_a_list_that_does_not_pay_is_weighed_again_after_half_an_hour() -> None:
    made = schedule(size=10**7, records=1000)
    made.answered(at(100))
    assert not made.is_usable(2, at(1899))
    assert made.is_usable(2, at(1900))


def test_without_jobs_no_list_is_planned() -> None:
    made = schedule()
    made.due = at(1)
    made.plan([], ESTIMATOR, 0, at(0))
    assert made.due is None


def test_the_job_that_needs_it_first_decides_while_all_are_in_line() -> None:
    made = schedule()
    made.plan([tracked(), tracked(since=-50), tracked(since=-200)], ESTIMATOR, 3, at(0))
    assert made.due == at(2)
    made.plan([tracked(since=-200), tracked(since=-50)], ESTIMATOR, 2, at(0))
    assert made.due == at(5)
    made.plan([tracked(since=-700)], ESTIMATOR, 1, at(0))
    assert made.due == at(15)
    made.plan([tracked(State.OVERDUE)], ESTIMATOR, 1, at(0))
    assert made.due == at(600)


def test_hazards_add_up_while_jobs_are_processed() -> None:
    made, alone = schedule(), tracked(State.PROCESSING)
    seconds = ESTIMATOR.best_interval("vidu-q2-pro-r2v", 5, 10)
    made.plan([alone], ESTIMATOR, 1, at(10))
    assert made.due == at(10 + seconds)
    made.plan([alone] * 4, ESTIMATOR, 4, at(10))
    assert (made.due - at(10)).total_seconds() == pytest.approx(seconds / 2)
    made.plan([alone, tracked(since=9)], ESTIMATOR, 2, at(10))
    assert made.due == at(12)  # the one in line needs it sooner
    made.plan([alone, tracked(State.OVERDUE)], ESTIMATOR, 2, at(10))
    assert made.due == at(10 + seconds)


def test_jobs_that_cannot_be_finished_yet_are_still_seen_twice_a_minute() -> None:
    estimator = DurationEstimator()
    for _ in range(50):
        estimator.learn("vidu-q2-pro-r2v", 5, 3600)
    made = schedule()
    made.plan([tracked(State.PROCESSING), tracked(State.OVERDUE)], estimator, 2, at(0))
    assert made.due == at(30)


def test_a_long_list_comes_as_rarely_as_its_bytes_allow() -> None:
    made = schedule(size=10 * 512 * 1024, records=100)
    made.plan([tracked(), tracked()], ESTIMATOR, 2, at(0))
    assert made.due == at(10)
    small = schedule(size=2000, records=2)
    small.plan([tracked(), tracked()], ESTIMATOR, 2, at(0))
    assert small.due == at(2)
    many = schedule(size=10 * 512 * 1024, records=2000)  # long, and cheaper than so many questions
    many.plan([tracked(), tracked()], ESTIMATOR, 2000, at(0))
    assert many.due == at(2)
    odd = schedule(size=20_000, records=100)  # long for two jobs, and still no second's worth of bytes
    assert not odd.is_cheap(2)
    odd.plan([tracked(State.PROCESSING)] * 900, ESTIMATOR, 2, at(30))
    assert odd.due == at(31)


def test_a_new_job_lets_the_list_come_earlier_but_not_at_once() -> None:
    made = schedule()
    made.hasten(2, at(3))
    assert made.due is None
    made.answered(at(10))
    made.due = at(30)
    made.hasten(2, at(20))
    assert made.due == at(20)
    made.hasten(2, at(25))
    assert made.due == at(20)
    made.hasten(2, at(10.2))
    assert made.due == at(11)

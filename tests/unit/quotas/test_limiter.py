"""The limiter: what fits, what does not and until when, and what a reservation becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.models.jobs import Charge
from bot.models.quotas import (
    LONGEST,
    ExceededLimit,
    Period,
    QuotaExceeded,
    QuotaStatus,
    Rule,
    Scope,
)
from bot.quotas.limiter import QuotaLimiter

START = datetime(2025, 3, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SERVER, MEMBER = 10, 7
UNLIMITED = Rule(None, None)


def quotas_of(default: Rule = UNLIMITED, running_max: int = 99) -> QuotaLimiter:
    return QuotaLimiter(default, running_max)


def refusal(
    quotas: QuotaLimiter, seconds: int, now: datetime, *, job_id: int = 999, roles: tuple[int, ...] = ()
) -> QuotaExceeded:
    with pytest.raises(QuotaExceeded) as caught:
        quotas.reserve(job_id, SERVER, MEMBER, roles, seconds, now)
    return caught.value


def used(status: QuotaStatus) -> tuple[int, int, int]:
    return status.used_videos, status.used_seconds, status.running


def test_senseless_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Rule(-1, None)
    with pytest.raises(ValueError, match="negative"):
        Rule(5, -1)
    with pytest.raises(ValueError, match="allowed to run"):
        QuotaLimiter(UNLIMITED, 0)
    with pytest.raises(ValueError, match="allowed to fail"):
        QuotaLimiter(UNLIMITED, 1, 0)
    with pytest.raises(ValueError, match="at least a second"):
        quotas_of().reserve(1, SERVER, MEMBER, [], 0, START)


@pytest.mark.parametrize("period", Period)
def test_a_use_leaves_exactly_when_its_period_has_passed(period: Period) -> None:
    quotas = quotas_of(Rule(1, None, period))
    taken = quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    frees = START + period.length
    assert (taken.left_videos, taken.left_seconds, taken.next_slot) == (0, None, frees)
    refused = refusal(quotas, 5, frees - INSTANT)
    assert (refused.exceeded, refused.frees, refused.needed_seconds) == (ExceededLimit.VIDEOS, frees, 5)
    assert used(refused.status) == (1, 5, 1)
    assert quotas.reserve(2, SERVER, MEMBER, [], 5, frees).used_videos == 1


def test_seconds_wait_until_enough_of_them_have_left() -> None:
    quotas = quotas_of(Rule(None, 10))
    for hour, seconds in enumerate((3, 4, 3)):
        quotas.reserve(hour, SERVER, MEMBER, [], seconds, START + hour * HOUR)
    refused = refusal(quotas, 5, START + 3 * HOUR)
    assert (refused.exceeded, refused.frees) == (ExceededLimit.SECONDS, START + DAY + HOUR)
    assert refused.status.next_slot == START + DAY
    assert (refused.status.left_videos, refused.status.left_seconds) == (None, 0)


@pytest.mark.parametrize(
    ("seconds", "exceeded", "hours"),
    [(1, ExceededLimit.VIDEOS, 0), (2, ExceededLimit.VIDEOS, 0), (10, ExceededLimit.SECONDS, 1)],
)
def test_of_two_limits_the_one_that_lifts_last_is_named(
    seconds: int, exceeded: ExceededLimit, hours: int
) -> None:
    quotas = quotas_of(Rule(2, 10))
    quotas.reserve(1, SERVER, MEMBER, [], 2, START)
    quotas.reserve(2, SERVER, MEMBER, [], 8, START + HOUR)
    refused = refusal(quotas, seconds, START + 2 * HOUR)
    assert (refused.exceeded, refused.frees) == (exceeded, START + DAY + hours * HOUR)


def test_what_was_used_at_the_same_moment_frees_together() -> None:
    quotas = quotas_of(Rule(2, 10))
    for job_id, seconds in ((1, 1), (2, 9)):
        quotas.replay(job_id, SERVER, MEMBER, seconds, START, Charge.SETTLED)
    for now in (START, START + DAY - INSTANT):
        refused = refusal(quotas, 5, now)
        assert (refused.exceeded, refused.frees) == (ExceededLimit.VIDEOS, START + DAY)
    quotas.reserve(3, SERVER, MEMBER, [], 5, START + DAY)


def test_more_seconds_than_the_rule_has_never_fit() -> None:
    refused = refusal(quotas_of(Rule(None, 9)), 10, START)
    assert (refused.exceeded, refused.frees) == (ExceededLimit.SECONDS, None)


@pytest.mark.parametrize("blocked", [Rule(0, None), Rule(None, 0), Rule(0, 0), Rule(5, 0)])
def test_zero_blocks(blocked: Rule) -> None:
    refused = refusal(quotas_of(blocked), 1, START)
    assert (refused.exceeded, refused.frees) == (ExceededLimit.BLOCKED, None)
    assert 0 in (refused.status.left_videos, refused.status.left_seconds)


def test_a_lowered_rule_leaves_nothing_rather_than_less() -> None:
    quotas = quotas_of()
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.reserve(2, SERVER, MEMBER, [], 5, START + HOUR)
    quotas.rules.set(SERVER, Scope.MEMBER, MEMBER, Rule(1, 4))
    status = quotas.status(SERVER, MEMBER, [], START + HOUR)
    assert (status.left_videos, status.left_seconds) == (0, 0)
    assert refusal(quotas, 4, START + HOUR).frees == START + HOUR + DAY


def test_under_a_lowered_rule_all_that_is_too_much_has_to_leave() -> None:
    quotas = quotas_of()
    for hour in range(3):
        quotas.reserve(hour, SERVER, MEMBER, [], 5, START + hour * HOUR)
    for videos, hours in ((1, 2), (2, 1), (3, 0)):
        quotas.rules.set(SERVER, Scope.MEMBER, MEMBER, Rule(videos, None))
        refused = refusal(quotas, 5, START + 2 * HOUR)
        assert (refused.exceeded, refused.frees) == (ExceededLimit.VIDEOS, START + DAY + hours * HOUR)


def test_only_so_many_run_at_once_in_one_server() -> None:
    quotas = quotas_of(running_max=2)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.reserve(2, SERVER, MEMBER, [], 5, START)
    refused = refusal(quotas, 5, START + 2 * LONGEST)
    assert (refused.exceeded, refused.frees, used(refused.status)) == (
        ExceededLimit.RUNNING,
        None,
        (0, 0, 2),
    )
    assert quotas.reserve(3, None, MEMBER, [], 5, START).running == 1
    quotas.settle(1)
    assert quotas.reserve(4, SERVER, MEMBER, [], 5, START + 2 * LONGEST).running == 2


def test_what_time_cannot_change_is_said_before_what_runs() -> None:
    quotas = quotas_of(Rule(1, 9), running_max=1)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    assert refusal(quotas, 10, START).exceeded is ExceededLimit.SECONDS
    assert refusal(quotas, 5, START).exceeded is ExceededLimit.RUNNING
    quotas.settle(1)
    assert refusal(quotas, 5, START).exceeded is ExceededLimit.VIDEOS


def test_a_reservation_ends_once() -> None:
    quotas = quotas_of()
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.reserve(2, SERVER, MEMBER, [], 3, START)
    assert [quotas.settle(1), quotas.settle(1), quotas.refund(1)] == [True, False, False]
    assert [quotas.refund(2), quotas.refund(2), quotas.settle(2)] == [True, False, False]
    assert not quotas.settle(3)
    assert not quotas.refund(3)
    assert used(quotas.status(SERVER, MEMBER, [], START)) == (1, 5, 0)


@pytest.mark.parametrize("charge", [Charge.HELD, Charge.SETTLED])
def test_a_job_is_taken_once(charge: Charge) -> None:
    quotas = quotas_of(Rule(1, None))
    quotas.replay(1, SERVER, MEMBER, 5, START, charge)
    with pytest.raises(ValueError, match="already reserved"):
        quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    with pytest.raises(ValueError, match="already reserved"):
        quotas.replay(1, None, 8, 5, START, charge)


def test_a_reset_forgets_what_was_used_until_then_and_keeps_what_runs() -> None:
    quotas = quotas_of(Rule(3, None), running_max=2)
    for job_id in (1, 2, 3):
        quotas.reserve(job_id, SERVER, MEMBER, [], 5, START + job_id * INSTANT)
        quotas.settle(1)
    quotas.reset(SERVER, MEMBER, START + 2 * INSTANT)
    assert used(quotas.status(SERVER, MEMBER, [], START + HOUR)) == (1, 5, 2)
    quotas.settle(2)
    quotas.settle(3)
    quotas.reset(SERVER, MEMBER, START)
    assert used(quotas.status(SERVER, MEMBER, [], START + HOUR)) == (1, 5, 0)


def test_a_reservation_drops_what_its_member_used_long_ago() -> None:
    quotas = quotas_of()
    for job_id in (1, 2):
        quotas.reserve(job_id, SERVER, MEMBER, [], 5, START)
    quotas.settle(1)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START + LONGEST)
    with pytest.raises(ValueError, match="already reserved"):
        quotas.reserve(2, SERVER, MEMBER, [], 5, START + LONGEST)


def test_so_many_requests_may_come_to_nothing_within_an_hour() -> None:
    quotas = QuotaLimiter(UNLIMITED, 99, 2)
    for job_id, minutes in enumerate((0, 10, 20)):
        quotas.count_attempt(job_id, SERVER, MEMBER, START + timedelta(minutes=minutes))
    now = START + timedelta(minutes=30)
    refused = refusal(quotas, 5, now)
    # Two of three have to leave the hour.
    assert (refused.exceeded, refused.frees) == (ExceededLimit.ATTEMPTS, START + timedelta(minutes=10) + HOUR)
    assert (refused.status.attempts, refused.status.attempts_max) == (3, 2)
    assert quotas.status(None, MEMBER, [], now).attempts == 0
    assert quotas.status(SERVER, 8, [], now).attempts == 0
    frees = START + timedelta(minutes=10) + HOUR
    assert refusal(quotas, 5, frees - INSTANT).exceeded is ExceededLimit.ATTEMPTS
    assert quotas.reserve(9, SERVER, MEMBER, [], 5, frees).attempts == 1


def test_a_request_that_comes_to_something_after_all_counts_no_more() -> None:
    quotas = QuotaLimiter(UNLIMITED, 99, 1)
    quotas.count_attempt(1, SERVER, MEMBER, START)
    quotas.count_attempt(1, SERVER, MEMBER, START)
    assert refusal(quotas, 5, START).status.attempts == 1
    quotas.drop_attempt(1, SERVER, MEMBER)
    quotas.drop_attempt(2, None, 8)
    assert quotas.reserve(9, SERVER, MEMBER, [], 5, START).attempts == 0


@pytest.mark.parametrize(
    ("per", "later", "exceeded"),
    [
        (Period.HOUR, INSTANT, ExceededLimit.ATTEMPTS),
        (Period.HOUR, timedelta(0), ExceededLimit.VIDEOS),  # both at the same moment
        (Period.DAY, INSTANT, ExceededLimit.VIDEOS),
    ],
)
def test_of_attempts_and_uses_the_one_that_lifts_last_is_named(
    per: Period, later: timedelta, exceeded: ExceededLimit
) -> None:
    quotas = QuotaLimiter(Rule(1, None, per), 99, 1)
    quotas.reserve(1, SERVER, MEMBER, [], 5, START)
    quotas.count_attempt(2, SERVER, MEMBER, START + later)
    assert refusal(quotas, 5, START + later).exceeded is exceeded


def test_what_no_rule_can_count_is_dropped() -> None:
    quotas = quotas_of()
    for user_id in range(50):
        quotas.reserve(user_id, SERVER, user_id, [], 5, START)
        quotas.settle(user_id)
        quotas.reset(SERVER, user_id, START)
    quotas.reserve(100, SERVER, MEMBER, [], 5, START)
    quotas.forget_old(START + LONGEST)
    assert [job_id for job_id in range(101) if job_id in quotas] == [100]
    assert quotas.settle(100)
    quotas.forget_old(START + LONGEST)
    assert 100 not in quotas
    quotas.replay(1, SERVER, 1, 5, START, Charge.SETTLED)
    assert quotas.status(SERVER, 1, [], START).used_videos == 1


@settings(deadline=None, max_examples=100)
@given(
    limit=st.builds(Rule, st.none() | st.integers(1, 5), st.integers(1, 30), st.sampled_from(Period)),
    asked=st.lists(st.tuples(st.integers(1, 10), st.integers(0, 90)), max_size=40),
)
def test_no_window_ever_holds_more_than_its_rule(limit: Rule, asked: list[tuple[int, int]]) -> None:
    quotas, now, taken = quotas_of(limit), START, []
    for job_id, (seconds, minutes) in enumerate(asked):
        now += minutes * (limit.per.length / 60)
        try:
            quotas.reserve(job_id, SERVER, MEMBER, [], seconds, now)
        except QuotaExceeded:
            continue
        taken.append((now, seconds))
    for start, _ in taken:
        inside = [seconds for at, seconds in taken if start <= at < start + limit.per.length]
        assert limit.videos is None or len(inside) <= limit.videos
        assert limit.seconds is not None
        assert sum(inside) <= limit.seconds

"""Budgets: what is used of them, and whether a request fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from bot.models.budgets import (
    Budget,
    BudgetScope,
    BudgetStatus,
    Price,
    ServerPaused,
    WarningLevel,
    find_exceeded,
    status_of,
)
from bot.models.quotas import ExceededLimit, Period, Rule
from bot.models.states import Reason, State, may_be_billed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Video:
    """One video that counts."""

    at: datetime
    seconds: int


USES = [Video(NOW, 5), Video(NOW + HOUR, 7)]


def bot(rule: Rule) -> Budget:
    return Budget(BudgetScope.BOT, rule)


def test_what_is_used_and_when_more_frees() -> None:
    budget = bot(Rule(9, 60, Period.WEEK))
    assert status_of(budget, USES) == BudgetStatus(budget, 2, 12, NOW + timedelta(days=7))
    assert status_of(budget, []) == BudgetStatus(budget, 0, 0, None)


def test_a_request_that_fits_is_not_exceeded() -> None:
    assert find_exceeded(bot(Rule(3, 17)), USES, 5) is None


@pytest.mark.parametrize(
    ("rule", "needed", "exceeded", "frees"),
    [
        (Rule(2, None), 5, ExceededLimit.VIDEOS, NOW + DAY),
        (Rule(None, 16), 5, ExceededLimit.SECONDS, NOW + DAY),
        (Rule(None, 11), 5, ExceededLimit.SECONDS, NOW + HOUR + DAY),
        (Rule(None, 12), 13, ExceededLimit.SECONDS, None),
        (Rule(0, None), 1, ExceededLimit.BLOCKED, None),
    ],
)
def test_what_does_not_fit_says_which_limit_and_until_when(
    rule: Rule, needed: int, exceeded: ExceededLimit, frees: datetime | None
) -> None:
    refused = find_exceeded(bot(rule), USES, needed)
    assert refused is not None
    assert (refused.exceeded, refused.needed_seconds, refused.frees) == (exceeded, needed, frees)
    assert refused.status == status_of(bot(rule), USES)
    assert str(refused) == f"budget exceeded: bot, {exceeded}"


@pytest.mark.parametrize(
    ("rule", "videos", "seconds", "share", "level"),
    [
        (Rule(None, None), 99, 99, Fraction(0), None),
        (Rule(10, 100), 7, 79, Fraction(79, 100), None),
        (Rule(10, 100), 8, 10, Fraction(8, 10), WarningLevel.NEARLY),
        (Rule(10, 100), 1, 99, Fraction(99, 100), WarningLevel.NEARLY),
        (Rule(10, 100), 10, 1, Fraction(1), WarningLevel.FULL),
        (Rule(10, 100), 12, 1, Fraction(12, 10), WarningLevel.FULL),
        (Rule(0, None), 0, 0, Fraction(1), WarningLevel.FULL),
        (Rule(None, 4), 0, 1, Fraction(1, 4), None),
    ],
)
def test_the_limit_that_is_closer_decides_how_much_is_used(
    rule: Rule, videos: int, seconds: int, share: Fraction, level: WarningLevel | None
) -> None:
    status = BudgetStatus(bot(rule), videos, seconds)
    assert (status.used_share, status.level) == (share, level)


def test_a_price_counts_by_the_second() -> None:
    assert Price(Decimal("0.05"), "USD").of(7) == Decimal("0.35")


def test_a_pause_says_that_time_alone_does_not_help() -> None:
    assert ServerPaused().frees is None
    assert str(ServerPaused()) == "the server is paused"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("reason", [None, *Reason])
def test_all_but_a_definite_end_without_a_video_may_be_billed(state: State, reason: Reason | None) -> None:
    ended = state in {State.FAILED, State.CANCELLED, State.REFUSED}
    unknown = reason in {Reason.DEADLINE, Reason.UNCLEAR, Reason.NO_RESULT}
    assert may_be_billed(state, reason) is (not ended or unknown)


def test_no_rule_allows_less_than_nothing_or_no_video_at_once() -> None:
    for videos, seconds in ((-1, None), (None, -1)):
        with pytest.raises(ValueError, match=r"^a quota cannot be negative$"):
            Rule(videos, seconds)
    with pytest.raises(ValueError, match=r"^at least one video must be allowed to be in progress$"):
        Rule(1, 1, at_once=0)
    assert Rule(1, 1, at_once=1).at_once == 1

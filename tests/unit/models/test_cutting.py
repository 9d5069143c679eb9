"""Which ceiling ends sooner than a rule: what moderators are warned of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.models.budgets import Budget, BudgetExceeded, BudgetScope, Ceilings, cutting
from bot.models.quotas import Period, QuotaExceeded, Rule
from bot.models.requests import DURATION_DEFAULT
from bot.quotas.limiter import QuotaLimiter

START = datetime(2025, 3, 1, tzinfo=UTC)
SERVER, MEMBER = 10, 7
AMOUNTS = st.none() | st.integers(0, 60)
RULES = st.builds(Rule, st.none() | st.integers(0, 8), AMOUNTS, st.sampled_from(Period))
LIMITS = st.builds(Rule, st.none() | st.integers(0, 12), AMOUNTS, st.sampled_from(Period))


def cuts(ceiling: Rule, rule: Rule) -> bool:
    return cutting(rule, [Budget(BudgetScope.SERVER, ceiling, SERVER)]) is not None


@pytest.mark.parametrize(
    ("ceiling", "rule", "cut"),
    [
        (Rule(10, None), Rule(10, None), False),
        (Rule(10, None), Rule(11, None), True),
        (Rule(10, None), Rule(None, None), True),
        (Rule(None, 50), Rule(10, None), False),  # of 5 seconds each
        (Rule(None, 49), Rule(10, None), True),
        (Rule(10, None), Rule(None, 51), True),
        (Rule(24, None), Rule(1, None, Period.HOUR), False),
        (Rule(23, None), Rule(1, None, Period.HOUR), True),
        (Rule(4, None, Period.MONTH), Rule(1, None, Period.WEEK), True),  # five may begin within 30 days
        (Rule(5, None, Period.MONTH), Rule(1, None, Period.WEEK), False),
        (Rule(10, None), Rule(11, None, Period.MONTH), True),  # all of them on one day
        (Rule(0, None), Rule(0, 999), False),  # who may make nothing misses nothing
        (Rule(None, None), Rule(None, None), False),
    ],
)
def test_examples(ceiling: Rule, rule: Rule, cut: bool) -> None:
    assert cuts(ceiling, rule) is cut


def test_the_first_that_cuts_is_named() -> None:
    budgets = [
        Budget(BudgetScope.OWN, Rule(9, None), SERVER),
        Budget(BudgetScope.SERVER, Rule(3, None), SERVER),
        Budget(BudgetScope.BOT, Rule(2, None)),
    ]
    assert [cutting(Rule(videos, None), budgets) for videos in (10, 9, 3, 2)] == [*budgets, None]


@settings(deadline=None, max_examples=100)
@given(ceiling=LIMITS, rule=RULES)
def test_a_rule_that_nothing_cuts_can_be_used_up_again_and_again(ceiling: Rule, rule: Rule) -> None:
    if cuts(ceiling, rule):
        return
    quotas = QuotaLimiter(rule, running_max=1, ceilings=Ceilings(server=ceiling))
    end, now, job_id = START + 2 * max(ceiling.per.length, rule.per.length), START, 0
    while now < end and job_id < 200:
        try:
            quotas.reserve(job_id, SERVER, MEMBER, [], DURATION_DEFAULT, now)
        except QuotaExceeded as refused:
            if refused.frees is None:
                return
            now = refused.frees
        except BudgetExceeded as refused:
            raise AssertionError(f"{refused} at {now}") from refused
        else:
            quotas.settle(job_id)
            job_id += 1
            if not rule.limits:
                now += timedelta(hours=1)

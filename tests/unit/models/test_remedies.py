"""What helps after a refusal by a limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from bot.models.budgets import Budget, BudgetExceeded, BudgetScope, BudgetStatus, ServerPaused
from bot.models.quotas import EffectiveRule, ExceededLimit, QuotaExceeded, QuotaStatus, Rule, Scope
from bot.models.remedies import Remedy, remedy_for, shorter_fits

SOON = datetime(2026, 1, 2, tzinfo=UTC)
BLOCKED, SECONDS, VIDEOS = ExceededLimit.BLOCKED, ExceededLimit.SECONDS, ExceededLimit.VIDEOS


def of_quota(
    exceeded: ExceededLimit, rule: Rule, used: tuple[int, int] = (1, 8), frees: datetime | None = SOON
) -> QuotaExceeded:
    status = QuotaStatus(EffectiveRule(rule, Scope.SERVER, None), *used, 0, 2, SOON)
    return QuotaExceeded(status, exceeded, 5, frees)


def of_budget(
    exceeded: ExceededLimit,
    rule: Rule,
    used: tuple[int, int] = (1, 8),
    frees: datetime | None = SOON,
    scope: BudgetScope = BudgetScope.OWN,
) -> BudgetExceeded:
    return BudgetExceeded(BudgetStatus(Budget(scope, rule, 1), *used), exceeded, 5, frees)


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (of_quota(BLOCKED, Rule(0, None), frees=None), Remedy.NONE),
        (of_quota(ExceededLimit.RUNNING, Rule(9, None), frees=None), Remedy.RETRY),
        (of_quota(ExceededLimit.ATTEMPTS, Rule(9, None)), Remedy.RETRY),
        (of_budget(BLOCKED, Rule(0, None), frees=None), Remedy.RETRY),
        (of_budget(BLOCKED, Rule(0, None), frees=None, scope=BudgetScope.SERVER), Remedy.NONE),
        (of_budget(BLOCKED, Rule(0, None), frees=None, scope=BudgetScope.BOT), Remedy.NONE),
        (of_budget(BLOCKED, Rule(0, None), frees=None, scope=BudgetScope.DIRECT), Remedy.NONE),
        (ServerPaused(), Remedy.RETRY),
    ],
)
def test_what_helps(error: QuotaExceeded | BudgetExceeded | ServerPaused, helps: Remedy) -> None:
    assert remedy_for(error) is helps


@pytest.mark.parametrize("refused", [of_quota, of_budget])
def test_a_shorter_video_helps_only_where_one_fits(
    refused: Callable[
        [ExceededLimit, Rule, tuple[int, int], datetime | None], QuotaExceeded | BudgetExceeded
    ],
) -> None:
    for exceeded, rule, used, frees, helps, seconds in (
        (VIDEOS, Rule(1, None), (1, 8), SOON, Remedy.RETRY, None),
        (SECONDS, Rule(None, 12), (1, 8), SOON, Remedy.CHANGE, 4),
        (SECONDS, Rule(None, 9), (1, 8), SOON, Remedy.CHANGE, 1),
        (SECONDS, Rule(None, 8), (1, 8), SOON, Remedy.RETRY, None),
        (SECONDS, Rule(None, 7), (1, 8), SOON, Remedy.RETRY, None),
        (SECONDS, Rule(1, 12), (1, 8), SOON, Remedy.RETRY, None),
        (SECONDS, Rule(2, 12), (1, 8), SOON, Remedy.CHANGE, 4),
        (SECONDS, Rule(None, 4), (1, 4), None, Remedy.CHANGE, None),  # never fits as it is
    ):
        error = refused(exceeded, rule, used, frees)
        assert remedy_for(error) is helps, (exceeded, rule)
        assert shorter_fits(error) == seconds

"""What counts towards which budget, and what a refusal says, step by step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.models.budgets import BudgetExceeded, BudgetScope, Ceilings, ServerBudget, ServerPaused
from bot.models.quotas import ExceededLimit, Period, QuotaExceeded, Rule
from bot.quotas.budgets import Budgets
from bot.quotas.limiter import QuotaLimiter

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SERVER, OTHER = 1, 2
FREE = Rule(None, None)


def seconds(limit: int | None) -> Rule:
    return Rule(None, limit, Period.DAY)


def limiter(ceilings: Ceilings, rule: Rule = FREE, running: int = 100) -> QuotaLimiter:
    return QuotaLimiter(rule, running, 1, ceilings)


def used(budgets: Budgets, place: int | None, scope: BudgetScope) -> int:
    """Return how many seconds of a budget are used as seen from a place."""
    return next(status.used_seconds for status in budgets.used(place, NOW) if status.budget.scope is scope)


def test_a_job_counts_for_its_place_and_for_the_bot_only() -> None:
    limits = limiter(Ceilings(bot=seconds(100), server=seconds(50), direct=seconds(30)))
    limits.reserve(1, SERVER, 7, frozenset(), 5, NOW)
    limits.reserve(2, None, 7, frozenset(), 3, NOW)
    assert used(limits.budgets, SERVER, BudgetScope.SERVER) == 5
    assert used(limits.budgets, OTHER, BudgetScope.SERVER) == 0
    assert used(limits.budgets, None, BudgetScope.DIRECT) == 3
    assert used(limits.budgets, SERVER, BudgetScope.BOT) == 8


def test_direct_messages_have_no_use_before_the_first() -> None:
    limits = limiter(Ceilings(bot=FREE, server=FREE, direct=seconds(30)))
    limits.reserve(1, SERVER, 7, frozenset(), 5, NOW)
    assert used(limits.budgets, None, BudgetScope.DIRECT) == 0


def test_what_is_not_billed_is_given_back_and_its_neighbour_stays() -> None:
    limits = limiter(Ceilings(bot=seconds(100), server=seconds(50), direct=FREE))
    limits.reserve(1, SERVER, 7, frozenset(), 5, NOW)
    limits.reserve(2, SERVER, 7, frozenset(), 3, NOW)
    limits.budgets.give_back(1)
    limits.budgets.give_back(99)  # nobody has reserved it
    limits.budgets.give_back(1)  # a second time
    assert used(limits.budgets, SERVER, BudgetScope.SERVER) == 3
    assert used(limits.budgets, SERVER, BudgetScope.BOT) == 3


def test_a_given_back_job_counts_again_when_it_is_added_again() -> None:
    limits = limiter(Ceilings(bot=seconds(100), server=FREE, direct=FREE))
    limits.reserve(1, SERVER, 7, frozenset(), 5, NOW)
    limits.budgets.give_back(1)
    limits.budgets.add(1, SERVER, 5, NOW)
    assert used(limits.budgets, SERVER, BudgetScope.BOT) == 5


def test_old_use_is_forgotten_in_every_place() -> None:
    limits = limiter(Ceilings(bot=seconds(100), server=seconds(100), direct=seconds(100)))
    limits.reserve(1, SERVER, 7, frozenset(), 5, NOW)
    limits.reserve(2, SERVER, 7, frozenset(), 5, NOW + timedelta(days=20))
    later = NOW + timedelta(days=40)
    assert limits.settle(1)
    assert limits.settle(2)
    limits.forget_old(later)
    limits.budgets.add(1, OTHER, 5, NOW + timedelta(days=39, hours=23))  # its number is free again
    status = [found.used_seconds for found in limits.budgets.used(OTHER, later)]
    assert status == [5, 5]


@pytest.mark.parametrize("place", [SERVER, OTHER, None])
def test_a_server_s_budget_binds_that_server(place: int | None) -> None:
    limits = limiter(Ceilings(bot=FREE, server=FREE, direct=FREE))
    limits.budgets.set_server(SERVER, ServerBudget(rule=seconds(4)))
    if place == SERVER:
        with pytest.raises(BudgetExceeded) as caught:
            limits.check(place, 7, frozenset(), 5, NOW)
        assert caught.value.status.budget.scope is BudgetScope.OWN
        assert caught.value.needed_seconds == 5
    else:
        limits.check(place, 7, frozenset(), 5, NOW)


def test_the_ceiling_of_direct_messages_is_named_as_theirs() -> None:
    limits = limiter(Ceilings(bot=FREE, server=FREE, direct=seconds(4)))
    with pytest.raises(BudgetExceeded) as caught:
        limits.check(None, 7, frozenset(), 5, NOW)
    assert caught.value.status.budget.scope is BudgetScope.DIRECT
    limits.check(SERVER, 7, frozenset(), 5, NOW)


def test_a_pause_stops_its_server_and_no_other_place() -> None:
    limits = limiter(Ceilings(bot=FREE, server=FREE, direct=FREE))
    limits.budgets.set_server(SERVER, ServerBudget(paused=True))
    with pytest.raises(ServerPaused):
        limits.check(SERVER, 7, frozenset(), 5, NOW)
    limits.check(OTHER, 7, frozenset(), 5, NOW)
    limits.check(None, 7, frozenset(), 5, NOW)


def test_a_refusal_says_how_many_seconds_were_asked_for() -> None:
    no_ceilings = Ceilings(bot=FREE, server=FREE, direct=FREE)
    by_seconds = limiter(no_ceilings, seconds(4))
    with pytest.raises(QuotaExceeded) as caught:
        by_seconds.check(SERVER, 7, frozenset(), 5, NOW)
    assert (caught.value.exceeded, caught.value.needed_seconds) == (ExceededLimit.SECONDS, 5)

    running = limiter(no_ceilings, running=1)
    running.reserve(1, SERVER, 7, frozenset(), 5, NOW)
    with pytest.raises(QuotaExceeded) as caught:
        running.check(SERVER, 7, frozenset(), 6, NOW)
    assert (caught.value.exceeded, caught.value.needed_seconds) == (ExceededLimit.RUNNING, 6)

    attempts = limiter(no_ceilings)
    attempts.count_attempt(1, SERVER, 7, NOW)
    with pytest.raises(QuotaExceeded) as caught:
        attempts.check(SERVER, 7, frozenset(), 8, NOW)
    assert (caught.value.exceeded, caught.value.needed_seconds) == (ExceededLimit.ATTEMPTS, 8)


@pytest.mark.parametrize("length", [0, -1])
def test_a_video_without_length_is_a_mistake_of_the_caller(length: int) -> None:
    limits = limiter(Ceilings(bot=FREE, server=FREE, direct=FREE))
    with pytest.raises(ValueError, match="a video lasts"):
        limits.reserve(1, SERVER, 7, frozenset(), length, NOW)

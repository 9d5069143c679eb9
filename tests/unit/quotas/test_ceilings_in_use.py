"""What is used of the operator's ceilings, as the metrics show it."""

from __future__ import annotations

from datetime import timedelta

from bot.models.budgets import BudgetScope, Ceilings
from bot.models.quotas import Period, Rule
from bot.quotas.budgets import Budgets
from tests.unit.storage.samples import START

DAY = Period.DAY
CEILINGS = Ceilings(Rule(None, 100, DAY), Rule(2, 40, DAY), Rule(None, 20, DAY))


def used(budgets: Budgets, hours: float = 1.0) -> dict[BudgetScope, tuple[int, int]]:
    found = budgets.of_bot(START + timedelta(hours=hours))
    return {status.budget.scope: (status.used_videos, status.used_seconds) for status in found}


def test_nothing_is_used_at_first() -> None:
    assert used(Budgets(CEILINGS)) == dict.fromkeys(
        (BudgetScope.BOT, BudgetScope.DIRECT, BudgetScope.SERVER), (0, 0)
    )


def test_of_all_servers_the_one_closest_to_its_ceiling_counts() -> None:
    budgets = Budgets(CEILINGS)
    budgets.add(1, 10, 8, START)
    budgets.add(2, 11, 1, START)
    budgets.add(3, 11, 1, START)  # two videos of two: closer than 8 seconds of 40
    budgets.add(4, None, 5, START)

    assert used(budgets) == {
        BudgetScope.BOT: (4, 15),
        BudgetScope.DIRECT: (1, 5),
        BudgetScope.SERVER: (2, 2),
    }
    limits = {status.budget.scope: status.budget.rule for status in budgets.of_bot(START)}
    assert limits[BudgetScope.SERVER] == CEILINGS.server
    assert set(used(budgets, hours=25).values()) == {(0, 0)}


def test_without_ceilings_the_busiest_server_counts() -> None:
    budgets = Budgets(Ceilings())
    budgets.add(1, 10, 8, START)
    budgets.add(2, 11, 9, START)
    assert used(budgets)[BudgetScope.SERVER] == (1, 9)

"""That a budget is nearly or fully used is told once in its period, to whom it concerns."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.models.budgets import BudgetExceeded, BudgetScope, Ceilings, Price, ServerBudget, WarningLevel
from bot.models.quotas import Rule
from bot.quotas.budgets import Budgets
from bot.quotas.warnings import BudgetWarnings
from bot.storage.storage import Storage
from bot.tasks import Tasks
from tests.unit.storage.samples import GUILD, FixedClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CEILINGS = Ceilings(bot=Rule(None, 100), server=Rule(10, None))


class Stage:
    """Budgets, and who is told of them."""

    def __init__(self, storage: Storage) -> None:
        self.clock = FixedClock()
        self.tasks = Tasks(self.clock)
        self.storage = storage
        self.jobs = 0
        self.restart()

    def restart(self) -> None:
        self.budgets = Budgets(CEILINGS)
        price = Price(Decimal("0.05"), "EUR")
        self.warnings = BudgetWarnings(self.budgets, self.storage.budgets, self.clock, self.tasks, price)

    def make(self, seconds: int, times: int = 1) -> None:
        for _ in range(times):
            self.jobs += 1
            self.budgets.add(self.jobs, GUILD, seconds, self.clock.now())
        self.warnings.look(GUILD)

    def untold(self) -> list[tuple[WarningLevel, BudgetScope]]:
        return [(level, status.budget.scope) for level, status in self.warnings.untold(GUILD)]


@pytest.fixture
def stage(storage: Storage) -> Stage:
    return Stage(storage)


def bot_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "for everyone" in message]


async def test_the_log_tells_of_80_and_of_100_percent_once_a_period(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.make(79)
    assert caplog.messages == []
    stage.make(1)
    stage.make(10)
    nearly = (
        "This bot's limit for everyone is 80% used: 80 of 100 seconds of video per day, about 4.00 EUR. "
        "To change it: BUDGET_SECONDS, BUDGET_VIDEOS"
    )
    assert bot_lines(caplog) == [nearly]
    stage.make(10)
    stage.make(10)
    assert len(bot_lines(caplog)) == 2
    assert "is used up: 100 of 100 seconds" in bot_lines(caplog)[1]
    stage.clock.moment += DAY
    stage.make(100)
    assert len(bot_lines(caplog)) == 3


async def test_who_hears_that_it_is_used_up_need_not_hear_that_it_nearly_was(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.make(15)
    stage.clock.moment += DAY - HOUR
    stage.make(85)
    stage.clock.moment += HOUR
    stage.make(1)  # the first 15 seconds have left the period: 86 are used
    assert len(bot_lines(caplog)) == 1


async def test_a_budget_that_refuses_counts_as_used_up(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.make(78)
    for seconds in (101, 23):
        with pytest.raises(BudgetExceeded) as caught:
            stage.budgets.check(GUILD, seconds, stage.clock.now())
        stage.warnings.refused(caught.value)
        # A request that is longer than the budget ever allows says nothing about what is used.
        assert len(bot_lines(caplog)) == (0 if seconds == 101 else 1)
    assert "78 of 100" in bot_lines(caplog)[0]


async def test_moderators_hear_of_their_server_once_and_never_of_the_whole_bot(stage: Stage) -> None:
    stage.budgets.set_server(GUILD, ServerBudget(Rule(5, None)))
    stage.make(1, times=4)
    assert stage.untold() == [(WarningLevel.NEARLY, BudgetScope.OWN)]
    assert stage.untold() == []
    stage.make(24, times=4)
    assert stage.untold() == [
        (WarningLevel.FULL, BudgetScope.OWN),
        (WarningLevel.NEARLY, BudgetScope.SERVER),
    ]
    assert stage.untold() == []


async def test_a_restart_repeats_nothing_and_forgets_nothing(
    stage: Stage, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.make(10, times=8)
    while len(await storage.budgets.warnings()) < 2:
        pass
    caplog.clear()
    stage.restart()
    await stage.warnings.load()
    stage.make(10, times=8)
    assert caplog.messages == []
    assert stage.untold() == [(WarningLevel.NEARLY, BudgetScope.SERVER)]
    while not all(warning.told for warning in await storage.budgets.warnings() if warning.guild_id):
        pass
    stage.restart()
    await stage.warnings.load()
    stage.make(10, times=8)
    assert stage.untold() == []

"""Who is told that a budget is nearly or fully used, once in each of its periods."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from bot.clock import Clock
from bot.models.budgets import Budget, BudgetExceeded, BudgetScope, BudgetStatus, Price, WarningLevel
from bot.models.quotas import LimitExceeded
from bot.quotas.budgets import Budgets
from bot.storage.budgets import BudgetStore, BudgetWarning
from bot.tasks import Tasks
from bot.ui.texts.budgets import log_line

log = logging.getLogger(__name__)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # no budget's period reaches back so far
_Key = tuple[BudgetScope, int | None, WarningLevel]


class BudgetWarnings:
    """Tells the operator's log at once, and keeps what moderators of a server read next time."""

    def __init__(
        self, budgets: Budgets, store: BudgetStore, clock: Clock, tasks: Tasks, price: Price | None
    ) -> None:
        self._budgets = budgets
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._price = price
        self._given: dict[_Key, BudgetWarning] = {}
        self.on_given: Callable[[WarningLevel, BudgetStatus], None] = lambda _level, _status: None

    async def load(self) -> None:
        """Read what has been told, so that a restart repeats nothing."""
        for warning in await self._store.warnings():
            self._given[warning.scope, warning.guild_id, warning.level] = warning

    def look(self, guild_id: int | None) -> None:
        """See whether what was just reserved in a place makes a warning due."""
        for status in self._budgets.used(guild_id, self._clock.now()):
            if status.level is not None:
                self._give(status, status.level)

    def refused(self, error: LimitExceeded) -> None:
        """Take a budget that refused a request as used up, unless it never has room for that."""
        if isinstance(error, BudgetExceeded) and error.frees is not None:
            self._give(error.status, WarningLevel.FULL)

    def untold(self, guild_id: int) -> list[tuple[WarningLevel, BudgetStatus]]:
        """Return what the moderators of a server have not read yet, and take it as read."""
        now = self._clock.now()
        found = []
        for status in self._budgets.used(guild_id, now):
            if status.budget.scope is BudgetScope.BOT:
                continue  # what others use is only the operator's business
            due = [
                warning
                for level in WarningLevel
                if (warning := self._lasting(status.budget, level, now)) is not None and not warning.told
            ]
            for warning in due:
                self._save(replace(warning, told=True))
            if due:
                found.append((due[-1].level, status))
        return found

    def renew(self, guild_id: int) -> None:
        """Let the moderators' budget of a server, which has just changed, give its warnings anew."""
        for level in WarningLevel:
            if (BudgetScope.OWN, guild_id, level) in self._given:
                self._save(BudgetWarning(BudgetScope.OWN, guild_id, level, _LONG_AGO, told=True))

    def forget_server(self, guild_id: int) -> None:
        """Forget the warnings about the budgets of a server."""
        self._given = {key: warning for key, warning in self._given.items() if key[1] != guild_id}

    def _give(self, status: BudgetStatus, level: WarningLevel) -> None:
        budget, now = status.budget, self._clock.now()
        if self._lasting(budget, level, now) is not None:
            return
        log.warning("%s", log_line(level, status, self._price))
        self.on_given(level, status)
        for lower in WarningLevel:
            if lower <= level:
                # Whoever hears that it is full need not hear afterwards that it nearly is.
                told = lower < level
                self._save(BudgetWarning(budget.scope, budget.guild_id, lower, now, told))

    def _lasting(self, budget: Budget, level: WarningLevel, now: datetime) -> BudgetWarning | None:
        """Return the warning that was given within the budget's period."""
        warning = self._given.get((budget.scope, budget.guild_id, level))
        return warning if warning is not None and now < warning.at + budget.rule.per.length else None

    def _save(self, warning: BudgetWarning) -> None:
        key = warning.scope, warning.guild_id, warning.level
        self._given[key] = warning
        self._tasks.persist(
            partial(self._store.save_warning, warning),
            "keep a warning about a budget",
            wanted=lambda: self._given.get(key) is warning,
        )

"""What everybody used together, kept in memory: the operator's ceilings, and the servers' own budgets.

A use counts from its reservation on, and no more once a whole period has passed. It is given back only where
GMI certainly bills nothing: unlike in a member's quota, a request of which nobody knows stays counted, and no
moderator can reset anything.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

from bot.models.budgets import (
    Budget,
    BudgetExceeded,
    BudgetScope,
    BudgetStatus,
    Ceilings,
    ServerBudget,
    ServerPaused,
    find_exceeded,
    status_of,
)

_AT = attrgetter("at")
_NO_BUDGET = ServerBudget()


@dataclass(frozen=True, slots=True)
class _Use:
    job_id: int
    at: datetime
    seconds: int
    guild_id: int | None


class Budgets:
    """All budgets, and what is used of them. Server None is direct messages and user installs."""

    def __init__(self, ceilings: Ceilings) -> None:
        self._ceilings = ceilings
        self._servers: dict[int, ServerBudget] = {}
        self._by_job: dict[int, _Use] = {}
        self._all: list[_Use] = []  # oldest first, as in each place
        self._places: defaultdict[int | None, list[_Use]] = defaultdict(list)

    def set_server(self, guild_id: int, budget: ServerBudget) -> None:
        """Set what the moderators of a server allow."""
        self._servers[guild_id] = budget

    def forget_server(self, guild_id: int) -> None:
        """Forget what the moderators of a server allow; what was used stays counted."""
        self._servers.pop(guild_id, None)

    def server(self, guild_id: int) -> ServerBudget:
        """Return what the moderators of a server allow."""
        return self._servers.get(guild_id, _NO_BUDGET)

    def servers(self) -> frozenset[int]:
        """Return the servers whose moderators have set a budget."""
        return frozenset(guild_id for guild_id, budget in self._servers.items() if budget.rule.limits)

    def longest_period(self, guild_id: int | None) -> timedelta:
        """Return the longest period of a budget that limits a server, or direct messages; with none, nothing.

        What the operator allows any one server counts for direct messages too: it is the same everywhere.
        """
        rules = [self._ceilings.bot, self._ceilings.server, self._ceilings.direct]
        if guild_id is not None:
            rules.append(self.server(guild_id).rule)
        return max((rule.per.length for rule in rules if rule.limits), default=timedelta())

    def of_place(self, guild_id: int | None) -> list[Budget]:
        """Return the budgets that limit a server, or direct messages: the narrowest first."""
        ceilings = self._ceilings
        if guild_id is None:
            found = [Budget(BudgetScope.DIRECT, ceilings.direct)]
        else:
            found = [
                Budget(BudgetScope.OWN, self.server(guild_id).rule, guild_id),
                Budget(BudgetScope.SERVER, ceilings.server, guild_id),
            ]
        found.append(Budget(BudgetScope.BOT, ceilings.bot))
        return [budget for budget in found if budget.rule.limits]

    def check(self, guild_id: int | None, seconds: int, now: datetime) -> None:
        """Raise ServerPaused or BudgetExceeded if a video of so many seconds does not fit; take nothing."""
        if guild_id is not None and self.server(guild_id).paused:
            raise ServerPaused
        exceeded = [
            found
            for budget in self.of_place(guild_id)
            if (found := find_exceeded(budget, self._counted(budget, now), seconds)) is not None
        ]
        if exceeded:
            raise last_to_free(exceeded)

    def add(self, job_id: int, guild_id: int | None, seconds: int, at: datetime) -> None:
        """Count a job that was asked for at this moment; each job once."""
        if job_id in self._by_job:
            return
        use = self._by_job[job_id] = _Use(job_id, at, seconds, guild_id)
        insort(self._all, use, key=_AT)
        insort(self._places[guild_id], use, key=_AT)

    def add_all(self, uses: Iterable[tuple[int, int | None, int, datetime]]) -> None:
        """Count many jobs as `add` does."""
        unsorted: dict[int, list[_Use]] = {}
        for job_id, guild_id, seconds, at in uses:
            if job_id not in self._by_job:
                use = self._by_job[job_id] = _Use(job_id, at, seconds, guild_id)
                for listed in (self._all, self._places[guild_id]):
                    if listed and listed[-1].at > at:
                        unsorted[id(listed)] = listed
                    listed.append(use)
        for listed in unsorted.values():
            listed.sort(key=_AT)

    def give_back(self, job_id: int) -> None:
        """Count a job no more: it certainly is not billed."""
        use = self._by_job.pop(job_id, None)
        if use is not None:
            self._all.remove(use)
            self._places[use.guild_id].remove(use)

    def status(self, budget: Budget, now: datetime) -> BudgetStatus:
        """Return what is used of a budget."""
        return status_of(budget, self._counted(budget, now))

    def used(self, guild_id: int | None, now: datetime) -> list[BudgetStatus]:
        """Return the status of every budget that limits a place: the narrowest first."""
        return [self.status(budget, now) for budget in self.of_place(guild_id)]

    def of_bot(self, now: datetime) -> list[BudgetStatus]:
        """Return what is used of the operator's ceilings; of any server's, by the server closest to it."""
        bot = Budget(BudgetScope.BOT, self._ceilings.bot)
        direct = Budget(BudgetScope.DIRECT, self._ceilings.direct)
        server = Budget(BudgetScope.SERVER, self._ceilings.server)
        servers = [
            self.status(replace(server, guild_id=guild_id), now)
            for guild_id in self._places
            if guild_id is not None
        ]
        closest = max(
            servers,
            key=lambda status: (status.used_share, status.used_seconds),
            default=BudgetStatus(server, 0, 0),
        )
        return [self.status(bot, now), self.status(direct, now), closest]

    def forget_old(self, until: datetime, is_running: Callable[[int], bool]) -> None:
        """Drop what was asked for up to and including this moment.

        Not what is still running: unlike what has ended, it is not read again for a longer period.
        """
        end = bisect_right(self._all, until, key=_AT)
        running = [use for use in self._all[:end] if is_running(use.job_id)]
        for use in self._all[:end]:
            if is_running(use.job_id):
                continue
            del self._by_job[use.job_id]
            self._places[use.guild_id].remove(use)
            if not self._places[use.guild_id]:
                del self._places[use.guild_id]
        self._all[:end] = running

    def _counted(self, budget: Budget, now: datetime) -> Sequence[_Use]:
        match budget.scope:
            case BudgetScope.BOT:
                uses = self._all
            case BudgetScope.DIRECT:
                uses = self._places.get(None, [])
            case BudgetScope.SERVER | BudgetScope.OWN:
                uses = self._places.get(budget.guild_id, [])
        return uses[bisect_right(uses, now - budget.rule.per.length, key=_AT) :]


def last_to_free(exceeded: Sequence[BudgetExceeded]) -> BudgetExceeded:
    """Return the budget to name of several that are exceeded: the one that is in the way for longest."""
    never = [error for error in exceeded if error.frees is None]
    return never[0] if never else max(exceeded, key=attrgetter("frees"))

"""Quotas and budgets that several processes use: storage counts them, whenever that matters.

A server's members are counted in the memory of the one process at which its events arrive. Direct messages
and guests can reach any process, and everybody counts towards the ceilings of the bot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime

from bot.models.budgets import Budget, BudgetScope
from bot.models.jobs import Job
from bot.models.shards import Share
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import retake
from bot.storage.quotas import Admission, MemberUsage
from bot.storage.storage import Storage


class SharedQuotas:
    """Brings to memory what other processes did; where the work is not shared, it reads nothing."""

    def __init__(self, limiter: QuotaLimiter, storage: Storage, share: Share) -> None:
        self._limiter = limiter
        self._storage = storage
        self._share = share
        limiter.budgets.counts_all_of = self._counts_all_of

    def concerns(self, guild_id: int | None) -> bool:
        """Tell whether other processes may add to what members use in a server, or in direct messages."""
        return not self._share.is_all and (guild_id is None or not self._share.is_home_of(guild_id))

    async def check(
        self, guild_id: int | None, user_id: int, role_ids: Iterable[int], seconds: int, now: datetime
    ) -> None:
        """Raise as `QuotaLimiter.check` does if a video of so many seconds does not fit; take nothing.

        Raises StorageUnavailable where that cannot be known.
        """
        if not self._share.is_all:
            elsewhere = self._budgets_elsewhere(guild_id)
            found = self._storage.budgets.find_exceeded(elsewhere, seconds, now)
            _, exceeded = await asyncio.gather(self.refresh(guild_id, user_id, now), found)
        self._limiter.check(guild_id, user_id, role_ids, seconds, now)
        if not self._share.is_all and exceeded is not None:
            raise exceeded

    async def refresh(self, guild_id: int | None, user_id: int, now: datetime) -> None:
        """Bring to memory what a member has used, also through other processes. Raises StorageUnavailable."""
        if self.concerns(guild_id):
            usage = await self._storage.quotas.usage_of(guild_id, user_id, now)
            retake(self._limiter, guild_id, user_id, usage)

    async def count_budgets(self, guild_id: int | None, now: datetime) -> None:
        """Bring to memory how much is used of budgets that others use as well. Raises StorageUnavailable."""
        if budgets := self._budgets_elsewhere(guild_id):
            self._limiter.budgets.take_counts(await self._storage.budgets.count(budgets, now))

    def admission(
        self, guild_id: int | None, user_id: int, role_ids: Iterable[int], seconds: int, now: datetime
    ) -> Admission | None:
        """Return what admits a job by its member's rows, in its own transaction; None where memory knows."""
        if not self.concerns(guild_id):
            return None

        def admit(usage: MemberUsage) -> None:
            retake(self._limiter, guild_id, user_id, usage)
            self._limiter.check(guild_id, user_id, role_ids, seconds, now)

        return admit

    def take(self, job: Job) -> None:
        """Count a job that was admitted and stored."""
        seconds = job.request.duration
        if job.id not in self._limiter:
            self._limiter.replay(job.id, job.quota_guild_id, job.user_id, seconds, job.created_at, job.charge)
        self._limiter.budgets.add(job.id, job.quota_guild_id, seconds, job.created_at)

    def _counts_all_of(self, budget: Budget) -> bool:
        """Tell whether all that counts towards a budget is in the memory of this process."""
        if self._share.is_all:
            return True
        of_server = budget.scope in {BudgetScope.OWN, BudgetScope.SERVER}
        return of_server and self._share.is_home_of(budget.guild_id)

    def _budgets_elsewhere(self, guild_id: int | None) -> list[Budget]:
        budgets = self._limiter.budgets.of_place(guild_id)
        return [budget for budget in budgets if not self._counts_all_of(budget)]

"""The one place where moderators' changes reach the quotas: storage first, then memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from bot.clock import Clock
from bot.models.budgets import BudgetStatus, ServerBudget, WarningLevel
from bot.models.quotas import EffectiveRule, Period, QuotaStatus, Rule, Scope, Usage
from bot.models.shards import ALL, Share
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import reach_back
from bot.quotas.rules import check_target
from bot.quotas.shared import SharedQuotas
from bot.quotas.warnings import BudgetWarnings
from bot.storage.storage import Storage


class QuotaService:
    """What moderators change and look at, and what members see of their quota."""

    def __init__(
        self,
        storage: Storage,
        limiter: QuotaLimiter,
        warnings: BudgetWarnings,
        clock: Clock,
        share: Share = ALL,
    ) -> None:
        self._storage = storage
        self._store = storage.quotas
        self._budget_store = storage.budgets
        self._servers = storage.servers
        self._limiter = limiter
        self._warnings = warnings
        self._clock = clock
        self._shared = SharedQuotas(limiter, storage, share)
        # Memory takes the changes of a server in the order in which storage took them.
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def set_rule(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Set the rule of a member, a role or the whole server.

        Raises ValueError where scope and target do not belong together, StorageUnavailable where it could not
        be saved; then nothing has changed.
        """
        await self.change_rule(guild_id, scope, target_id, lambda _: rule)

    async def change_rule(
        self, guild_id: int, scope: Scope, target_id: int | None, change: Callable[[Rule | None], Rule]
    ) -> tuple[Rule | None, Rule]:
        """Make another rule of the one that this target has; return it as it was before and as it is now.

        Raises as `set_rule` does, and what `change` raises; then nothing has changed.
        """
        check_target(scope, target_id)
        async with self._locks[guild_id]:
            before = self._limiter.rules.own(guild_id, scope, target_id)
            rule = change(before)
            await self._reach_back(guild_id, rule)
            await self._store.save_rule(guild_id, scope, target_id, rule)
            self._limiter.rules.set(guild_id, scope, target_id, rule)
        return before, rule

    async def clear_rule(self, guild_id: int, scope: Scope, target_id: int | None) -> Rule | None:
        """Remove a rule and return it, None where there was none; raises as `set_rule` does."""
        check_target(scope, target_id)
        async with self._locks[guild_id]:
            before = self._limiter.rules.own(guild_id, scope, target_id)
            await self._store.remove_rule(guild_id, scope, target_id)
            self._limiter.rules.clear(guild_id, scope, target_id)
        return before

    async def reset(self, guild_id: int, user_id: int) -> None:
        """Forget what a member used and tried so far; what runs stays running. Raises StorageUnavailable."""
        async with self._locks[guild_id]:
            now = self._clock.now()
            await self._store.save_reset(guild_id, user_id, now)
            self._limiter.reset(guild_id, user_id, now)

    async def set_budget(self, guild_id: int, rule: Rule) -> Rule:
        """Set what all members of a server may use together; return the rule before.

        Raises StorageUnavailable.
        """
        before = (await self._change_budget(guild_id, lambda budget: replace(budget, rule=rule))).rule
        if before != rule:
            self._warnings.renew(guild_id)
        return before

    async def set_paused(self, guild_id: int, paused: bool) -> bool:
        """Stop new videos in a server, or let them start again; tell whether that is a change.

        Raises StorageUnavailable.
        """
        before = await self._change_budget(guild_id, lambda budget: replace(budget, paused=paused))
        return before.paused is not paused

    async def _change_budget(
        self, guild_id: int, change: Callable[[ServerBudget], ServerBudget]
    ) -> ServerBudget:
        """Change a server's budget and return what it was."""
        async with self._locks[guild_id]:
            before = self._limiter.budgets.server(guild_id)
            budget = change(before)
            await self._reach_back(guild_id, budget.rule)
            await self._budget_store.save_server(guild_id, budget)
            self._limiter.budgets.set_server(guild_id, budget)
        return before

    async def _reach_back(self, guild_id: int, rule: Rule) -> None:
        """Have in memory what a rule counts, before it is in force."""
        await reach_back(self._limiter, self._storage, guild_id, rule.per.length, self._clock.now())

    async def forget_server(self, guild_id: int) -> None:
        """Erase all that the moderators of a server have set; what its members used stays counted.

        Raises StorageUnavailable; then nothing has changed.
        """
        async with self._locks[guild_id]:
            await self._servers.erase(guild_id)
            self._limiter.forget_server(guild_id)
            self._warnings.forget_server(guild_id)

    def budget(self, guild_id: int) -> ServerBudget:
        """Return what the moderators of a server allow all its members together."""
        return self._limiter.budgets.server(guild_id)

    def budgets_in_force(self, guild_id: int | None) -> list[BudgetStatus]:
        """Return what is used of each budget of a server, or of direct messages: the narrowest first."""
        return self._limiter.budgets.used(guild_id, self._clock.now())

    def untold_warnings(self, guild_id: int) -> list[tuple[WarningLevel, BudgetStatus]]:
        """Return warnings that the moderators of a server have not read yet, and take them as read."""
        return self._warnings.untold(guild_id)

    def rules(self, guild_id: int) -> list[EffectiveRule]:
        """Return the rules of a server: its default, then roles, then members, each by id."""
        return self._limiter.rules.of_server(guild_id)

    def rule_of_everyone(self, guild_id: int) -> EffectiveRule:
        """Return what applies to members of a server without any other rule."""
        return self._limiter.rules.of_everyone(guild_id)

    def effective(self, guild_id: int | None, user_id: int, role_ids: Iterable[int]) -> EffectiveRule:
        """Return the rule that applies to a member."""
        return self._limiter.rules.effective(guild_id, user_id, role_ids)

    async def refresh(self, guild_id: int | None, user_id: int) -> None:
        """Make sure that a member's status counts what they used through other processes.

        Raises StorageUnavailable.
        """
        await self._shared.refresh(guild_id, user_id, self._clock.now())

    def status(self, guild_id: int | None, user_id: int, role_ids: Iterable[int]) -> QuotaStatus:
        """Return what a member has used of the rule that applies."""
        return self._limiter.status(guild_id, user_id, role_ids, self._clock.now())

    async def usage(self, guild_id: int, period: Period) -> list[Usage]:
        """Return who has made or runs anything: most seconds first, then most videos, then the lowest id.

        A reset gives a member their quota back; what they made stays made. Raises StorageUnavailable.
        """
        return await self._store.usage(guild_id, self._clock.now() - period.length)

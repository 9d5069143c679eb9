"""The one place where moderators' changes reach the quotas: storage first, then memory."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from bot.clock import Clock
from bot.models.quotas import EffectiveRule, Period, QuotaStatus, Rule, Scope, Usage
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.rules import check_target
from bot.storage.quotas import QuotaStore


class QuotaService:
    """What moderators change and look at, and what members see of their quota."""

    def __init__(self, store: QuotaStore, limiter: QuotaLimiter, clock: Clock) -> None:
        self._store = store
        self._limiter = limiter
        self._clock = clock
        # Memory takes the changes of a server in the order in which storage took them.
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def set_rule(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Set the rule of a member, a role or the whole server.

        Raises ValueError where scope and target do not belong together, StorageUnavailable where it could not
        be saved; then nothing has changed.
        """
        check_target(scope, target_id)
        async with self._locks[guild_id]:
            await self._store.save_rule(guild_id, scope, target_id, rule)
            self._limiter.rules.set(guild_id, scope, target_id, rule)

    async def clear_rule(self, guild_id: int, scope: Scope, target_id: int | None) -> bool:
        """Remove a rule and tell whether there was one; raises as `set_rule` does."""
        check_target(scope, target_id)
        async with self._locks[guild_id]:
            await self._store.remove_rule(guild_id, scope, target_id)
            return self._limiter.rules.clear(guild_id, scope, target_id)

    async def reset(self, guild_id: int, user_id: int) -> None:
        """Forget what a member used and tried so far; what runs stays running. Raises StorageUnavailable."""
        async with self._locks[guild_id]:
            now = self._clock.now()
            await self._store.save_reset(guild_id, user_id, now)
            self._limiter.reset(guild_id, user_id, now)

    def rules(self, guild_id: int) -> list[EffectiveRule]:
        """Return the rules of a server: its default, then roles, then members, each by id."""
        return self._limiter.rules.of_server(guild_id)

    def effective(self, guild_id: int | None, user_id: int, role_ids: Iterable[int]) -> EffectiveRule:
        """Return the rule that applies to a member."""
        return self._limiter.rules.effective(guild_id, user_id, role_ids)

    def status(self, guild_id: int | None, user_id: int, role_ids: Iterable[int]) -> QuotaStatus:
        """Return what a member has used of the rule that applies."""
        return self._limiter.status(guild_id, user_id, role_ids, self._clock.now())

    def usage(self, guild_id: int, period: Period) -> list[Usage]:
        """Return who has used or runs anything: most seconds first, then most videos, then the lowest id."""
        return self._limiter.usage(guild_id, self._clock.now(), period)

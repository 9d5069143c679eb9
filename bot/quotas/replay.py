"""Quotas in memory after a start: everything that storage says, replayed."""

from __future__ import annotations

from datetime import datetime

from bot.models.quotas import ATTEMPTS_PER, LONGEST
from bot.quotas.limiter import QuotaLimiter
from bot.storage.storage import Storage


async def rebuild(limiter: QuotaLimiter, storage: Storage, now: datetime) -> None:
    """Bring an empty limiter to what storage says."""
    store = storage.quotas
    for stored in await store.rules():
        limiter.rules.set(stored.guild_id, stored.scope, stored.target_id, stored.rule)
    for use in await store.uses(now - LONGEST):
        limiter.replay(use.job_id, use.guild_id, use.user_id, use.seconds, use.at, use.charge)
    for attempt in await store.attempts(now - ATTEMPTS_PER):
        limiter.count_attempt(attempt.job_id, attempt.guild_id, attempt.user_id, attempt.at)
    for reset in await store.resets():
        limiter.reset(reset.guild_id, reset.user_id, reset.at)
    for guild_id, budget in await storage.budgets.servers():
        limiter.budgets.set_server(guild_id, budget)
    for counted in await storage.budgets.uses(now - LONGEST):
        limiter.budgets.add(counted.job_id, counted.guild_id, counted.seconds, counted.at)

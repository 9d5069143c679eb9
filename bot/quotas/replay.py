"""Quotas in memory after a start: everything that storage says, replayed."""

from __future__ import annotations

from datetime import datetime

from bot.models.quotas import ATTEMPTS_PER, LONGEST
from bot.quotas.limiter import QuotaLimiter
from bot.storage.quotas import QuotaStore


async def rebuild(limiter: QuotaLimiter, store: QuotaStore, now: datetime) -> None:
    """Bring an empty limiter to what storage says."""
    for stored in await store.rules():
        limiter.rules.set(stored.guild_id, stored.scope, stored.target_id, stored.rule)
    for use in await store.uses(now - LONGEST):
        limiter.replay(use.job_id, use.guild_id, use.user_id, use.seconds, use.at, use.charge)
    for attempt in await store.attempts(now - ATTEMPTS_PER):
        limiter.count_attempt(attempt.job_id, attempt.guild_id, attempt.user_id, attempt.at)
    for reset in await store.resets():
        limiter.reset(reset.guild_id, reset.user_id, reset.at)

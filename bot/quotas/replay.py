"""Quotas in memory: what storage says, read as far back as a rule in force can still count.

A job that has ended costs what it costs for good. So it can be read later as well, when a rule is changed to
a longer period: what is in memory already is left as it is.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from bot.models.quotas import ATTEMPTS_PER, LONGEST
from bot.quotas.limiter import QuotaLimiter
from bot.storage.quotas import CountedJob, MemberUsage
from bot.storage.storage import Storage


async def rebuild(limiter: QuotaLimiter, storage: Storage, now: datetime) -> None:
    """Bring an empty limiter to what storage says."""
    store = storage.quotas
    for stored in await store.rules():
        limiter.rules.set(stored.guild_id, stored.scope, stored.target_id, stored.rule)
    for guild_id, budget in await storage.budgets.servers():
        limiter.budgets.set_server(guild_id, budget)
    for reset in await store.resets(now - LONGEST):
        limiter.reset(reset.guild_id, reset.user_id, reset.at)
    _take(limiter, await store.open_jobs())
    common = limiter.longest_period(None)
    async for page in store.ended_jobs(now - common):
        _take(limiter, page)
    limiter.reach.begin(now - common)
    for length, guild_ids in _with_longer_periods(limiter, common).items():
        async for page in store.ended_jobs(now - length, now - common, guild_ids):
            _take(limiter, page)
        for guild_id in guild_ids:
            limiter.reach.extend(guild_id, now - length)
    for attempt in await store.attempts(now - ATTEMPTS_PER):
        limiter.count_attempt(attempt.job_id, attempt.guild_id, attempt.user_id, attempt.at)


async def reach_back(
    limiter: QuotaLimiter, storage: Storage, guild_id: int, length: timedelta, now: datetime
) -> None:
    """Read what a period of this length counts in a server and memory does not hold yet.

    Raises StorageUnavailable; then memory counts as before.
    """
    since, known = now - length, limiter.reach.since(guild_id)
    if known is None or since >= known:
        return
    async for page in storage.quotas.ended_jobs(since, known, [guild_id]):
        _take(limiter, page)
    limiter.reach.extend(guild_id, since)


def retake(limiter: QuotaLimiter, guild_id: int | None, user_id: int, usage: MemberUsage) -> None:
    """Let memory hold of a member in one place just what storage says."""
    limiter.forget_member(guild_id, user_id)
    for job in usage.jobs:
        limiter.replay(job.job_id, guild_id, user_id, job.seconds, job.at, job.charge)
    for attempt in usage.attempts:
        limiter.count_attempt(attempt.job_id, guild_id, user_id, attempt.at)
    if usage.reset_at is not None:
        limiter.reset(guild_id, user_id, usage.reset_at)


def _with_longer_periods(limiter: QuotaLimiter, common: timedelta) -> dict[timedelta, list[int]]:
    """Return the servers that look further back than all do, by how far."""
    found: dict[timedelta, list[int]] = {}
    for guild_id in limiter.servers():
        if (length := limiter.longest_period(guild_id)) > common:
            found.setdefault(length, []).append(guild_id)
    return found


def _take(limiter: QuotaLimiter, page: Collection[CountedJob]) -> None:
    for job in page:
        if job.job_id not in limiter:
            limiter.replay(job.job_id, job.guild_id, job.user_id, job.seconds, job.at, job.charge)
    limiter.budgets.add_all(
        (job.job_id, job.guild_id, job.seconds, job.at) for job in page if job.may_be_billed
    )

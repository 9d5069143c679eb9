"""After a start the quotas in memory are what they were before."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.models.jobs import Charge, Job
from bot.models.quotas import EffectiveRule, Period, QuotaStatus, Rule, Scope
from bot.models.states import Reason, State
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START, new_job

INSTANT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONTH = 30 * DAY
DEFAULT = Rule(50, None, Period.MONTH)


async def rebuilt(storage: Storage, now: datetime = START) -> QuotaLimiter:
    limiter = QuotaLimiter(DEFAULT, 9, 9)
    await rebuild(limiter, storage, now)
    return limiter


async def status(storage: Storage, now: datetime = START, user_id: int = 1) -> QuotaStatus:
    return (await rebuilt(storage, now)).status(GUILD, user_id, [], now)


def delivered(job_id: int, at: datetime, seconds: int = 5) -> Job:
    job = new_job(job_id, seconds=seconds, now=at)
    return replace(job, state=State.DELIVERED, charge=Charge.SETTLED, request_id=f"req-{job_id}")


def failed(job_id: int, at: datetime) -> Job:
    job = new_job(job_id, now=at)
    return replace(job, state=State.FAILED, charge=Charge.REFUNDED, request_id=f"req-{job_id}")


async def test_an_empty_storage_means_that_nothing_was_used(storage: Storage) -> None:
    limiter = await rebuilt(storage)
    assert limiter.rules.of_server(GUILD) == []
    assert limiter.status(GUILD, 1, [], START) == QuotaLimiter(DEFAULT, 9, 9).status(GUILD, 1, [], START)


async def test_rules_of_every_scope_apply_again(storage: Storage) -> None:
    rules = [
        EffectiveRule(Rule(3, None, Period.WEEK), Scope.SERVER, None),
        EffectiveRule(Rule(None, 9), Scope.ROLE, 5),
        EffectiveRule(Rule(0, 0, Period.HOUR), Scope.MEMBER, 1),
    ]
    for effective in rules:
        await storage.quotas.save_rule(GUILD, effective.scope, effective.target_id, effective.rule)
    limiter = await rebuilt(storage)
    assert limiter.rules.of_server(GUILD) == rules
    assert limiter.rules.of_server(GUILD + 1) == []


async def test_what_was_used_within_thirty_days_counts_again(storage: Storage) -> None:
    for job_id, at in enumerate((START - MONTH, START - MONTH + INSTANT, START - DAY, START), start=1):
        await storage.jobs.add(delivered(job_id, at))
    assert (await status(storage)).used_videos == 3
    assert (await status(storage)).next_slot == START + INSTANT
    assert (await status(storage, START + INSTANT)).used_videos == 2


async def test_what_still_runs_is_held_however_old_it_is(storage: Storage) -> None:
    await storage.jobs.add(new_job(1, now=START - 2 * MONTH))
    await storage.jobs.add(new_job(2, now=START))
    limiter = await rebuilt(storage)
    found = limiter.status(GUILD, 1, [], START)
    assert (found.running, found.used_videos) == (2, 1)
    assert limiter.refund(1)
    assert limiter.settle(2)
    found = limiter.status(GUILD, 1, [], START)
    assert (found.running, found.used_videos) == (0, 1)


async def test_what_was_given_back_stays_given_back(storage: Storage) -> None:
    await storage.jobs.add(failed(1, START))
    found = await status(storage)
    assert (found.used_videos, found.running, found.attempts) == (0, 0, 1)


async def test_requests_that_came_to_nothing_count_for_an_hour_again(storage: Storage) -> None:
    for job_id, at in enumerate((START - HOUR, START - HOUR + INSTANT, START), start=1):
        await storage.jobs.add(failed(job_id, at))
    await storage.jobs.add(
        replace(failed(4, START), state=State.REFUSED, reason=Reason.RATE, request_id=None)
    )
    assert (await status(storage)).attempts == 2
    assert (await status(storage, START + INSTANT)).attempts == 1


async def test_a_reset_forgets_the_same_as_before(storage: Storage) -> None:
    for job_id, at in enumerate((START - INSTANT, START, START + INSTANT), start=1):
        await storage.jobs.add(delivered(job_id, at, seconds=job_id))
        await storage.jobs.add(failed(job_id + 10, at))
    await storage.quotas.save_reset(GUILD, 1, START)
    found = await status(storage, START + INSTANT)
    assert (found.used_videos, found.used_seconds, found.attempts) == (1, 3, 1)


async def test_use_counts_in_the_server_where_it_was_asked_for(storage: Storage) -> None:
    await storage.jobs.add(replace(delivered(1, START), quota_guild_id=None))
    await storage.jobs.add(replace(delivered(2, START), quota_guild_id=GUILD + 1))
    await storage.jobs.add(replace(failed(3, START), quota_guild_id=None))
    limiter = await rebuilt(storage)
    assert limiter.status(GUILD, 1, [], START).used_videos == 0
    assert limiter.status(GUILD + 1, 1, [], START).used_videos == 1
    in_direct_messages = limiter.status(None, 1, [], START)
    assert (in_direct_messages.used_videos, in_direct_messages.attempts) == (1, 1)


@pytest.mark.parametrize("seed", range(3))
async def test_memory_is_the_same_in_whatever_order_it_was_stored(seed: int, storage: Storage) -> None:
    live = QuotaLimiter(DEFAULT, 9, 9)
    jobs = []
    for job_id in range(1, 13):
        user_id, at = job_id % 3, START + job_id * HOUR
        live.reserve(job_id, GUILD, user_id, [], job_id, at)
        job = replace(new_job(job_id, user_id, job_id, at))
        if job_id % 4 == 1:
            live.settle(job_id)
            job = replace(job, state=State.DELIVERED, charge=Charge.SETTLED)
        elif job_id % 4 == 2:
            live.refund(job_id)
            live.count_attempt(job_id, GUILD, user_id, at)
            job = replace(job, state=State.UNCONFIRMED, charge=Charge.REFUNDED)
        jobs.append(job)
    live.reset(GUILD, 1, START + 4 * HOUR)
    random.Random(seed).shuffle(jobs)
    for job in jobs:
        await storage.jobs.add(job)
    await storage.quotas.save_reset(GUILD, 1, START + 4 * HOUR)

    now = START + 12 * HOUR
    again = await rebuilt(storage, now)
    for user_id in range(3):
        assert again.status(GUILD, user_id, [], now) == live.status(GUILD, user_id, [], now)

"""Quotas in the database: rules and resets as set, uses and attempts as jobs left them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.models.jobs import Charge, Job
from bot.models.quotas import Period, Rule, Scope, Usage
from bot.models.states import Reason, State
from bot.storage.quotas import Attempt, CountedJob, QuotaReset, StoredRule
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START, new_job

HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)


def ended(job_id: int, at: datetime) -> Job:
    return replace(new_job(job_id, now=at), state=State.DELIVERED, charge=Charge.SETTLED)


async def ended_jobs(storage: Storage, after: datetime, until: datetime | None = None) -> list[CountedJob]:
    return [job async for page in storage.quotas.ended_jobs(after, until) for job in page]


async def test_rules_come_back_as_they_were_set(storage: Storage) -> None:
    rules = [
        StoredRule(GUILD, Scope.SERVER, None, Rule(3, None, Period.WEEK)),
        StoredRule(GUILD, Scope.ROLE, 5, Rule(0, 20, Period.HOUR)),
        StoredRule(GUILD, Scope.MEMBER, 5, Rule(None, 0, Period.MONTH)),
        StoredRule(GUILD + 1, Scope.SERVER, None, Rule(None, None)),
    ]
    await storage.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(9, 9))
    for stored in rules:
        await storage.quotas.save_rule(stored.guild_id, stored.scope, stored.target_id, stored.rule)
    found = await storage.quotas.rules()
    assert len(found) == len(rules)
    assert all(stored in found for stored in rules)


async def test_a_removed_rule_is_gone_and_the_others_stay(storage: Storage) -> None:
    for scope, target_id in ((Scope.SERVER, None), (Scope.ROLE, 5), (Scope.MEMBER, 5), (Scope.MEMBER, 6)):
        await storage.quotas.save_rule(GUILD, scope, target_id, Rule(1, None))
        await storage.quotas.save_rule(GUILD + 1, scope, target_id, Rule(1, None))
    await storage.quotas.remove_rule(GUILD, Scope.MEMBER, 5)
    await storage.quotas.remove_rule(GUILD, Scope.SERVER, None)
    await storage.quotas.remove_rule(GUILD, Scope.ROLE, 7)
    left = [
        (stored.scope, stored.target_id)
        for stored in await storage.quotas.rules()
        if stored.guild_id == GUILD
    ]
    assert sorted(left) == [(Scope.MEMBER, 6), (Scope.ROLE, 5)]
    assert len(await storage.quotas.rules()) == 6


async def test_the_latest_reset_of_each_member_is_kept(storage: Storage) -> None:
    await storage.quotas.save_reset(GUILD, 1, START)
    await storage.quotas.save_reset(GUILD, 2, START)
    await storage.quotas.save_reset(GUILD + 1, 1, START + INSTANT)
    await storage.quotas.save_reset(GUILD, 1, START + HOUR)
    found = await storage.quotas.resets(START - HOUR)
    assert len(found) == 3
    assert QuotaReset(GUILD, 1, START + HOUR) in found
    assert QuotaReset(GUILD, 2, START) in found
    assert QuotaReset(GUILD + 1, 1, START + INSTANT) in found


async def test_what_ended_and_what_is_open_counts_as_its_rows_say(storage: Storage) -> None:
    old = START - HOUR
    for job in (
        replace(new_job(1, now=old, seconds=3)),
        replace(new_job(2, now=old), state=State.DELIVERED, charge=Charge.SETTLED),
        replace(new_job(3, now=START), state=State.DELIVERED, charge=Charge.SETTLED),
        replace(ended(5, START + INSTANT), user_id=2, quota_guild_id=None),
        replace(ended(4, START + INSTANT)),
        replace(new_job(6, now=START + HOUR), state=State.FAILED, charge=Charge.REFUNDED),
        replace(new_job(7, now=START + HOUR), state=State.UNCONFIRMED, charge=Charge.REFUNDED),
    ):
        await storage.jobs.add(job)
    assert await storage.quotas.open_jobs() == [
        CountedJob(1, GUILD, 1, 3, old, Charge.HELD, True),
        CountedJob(7, GUILD, 1, 5, START + HOUR, Charge.REFUNDED, True),
    ]
    assert await ended_jobs(storage, START) == [
        CountedJob(4, GUILD, 1, 5, START + INSTANT, Charge.SETTLED, True),
        CountedJob(5, None, 2, 5, START + INSTANT, Charge.SETTLED, True),
        CountedJob(6, GUILD, 1, 5, START + HOUR, Charge.REFUNDED, False),
    ]
    assert [job.job_id for job in await ended_jobs(storage, START - 2 * HOUR, START)] == [2, 3]


async def test_however_many_jobs_are_read_each_comes_once(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.storage.quotas.PAGE", 3)
    monkeypatch.setattr("bot.storage.quotas.BATCH", 2)
    for number in range(20):
        job = replace(ended(number, START + number // 7 * INSTANT), quota_guild_id=number % 4)
        await storage.jobs.add(job)
    assert [job.job_id for job in await ended_jobs(storage, START - HOUR)] == list(range(20))
    found = [
        job.job_id async for page in storage.quotas.ended_jobs(START - HOUR, None, [0, 1, 2]) for job in page
    ]
    assert sorted(found) == [number for number in range(20) if number % 4 < 3]


async def test_usage_lists_the_members_of_one_server_with_most_seconds_first(storage: Storage) -> None:
    for number, (user_id, seconds) in enumerate([(1, 5), (2, 3), (2, 3), (3, 2), (3, 3), (4, 5), (5, 1)]):
        await storage.jobs.add(new_job(number, user_id, seconds))
    await storage.jobs.add(replace(ended(20, START), user_id=1))
    await storage.jobs.add(replace(new_job(21, 5, 9), state=State.FAILED, charge=Charge.REFUNDED))
    await storage.jobs.add(replace(new_job(22, 9, 9), quota_guild_id=None))
    await storage.quotas.save_reset(GUILD, 1, START + HOUR)  # what was made stays made
    assert await storage.quotas.usage(GUILD, START - HOUR) == [
        Usage(1, 2, 10, 1),
        Usage(2, 2, 6, 2),
        Usage(3, 2, 5, 2),
        Usage(4, 1, 5, 1),
        Usage(5, 1, 1, 1),
    ]
    assert await storage.quotas.usage(GUILD, START) == [
        Usage(user_id, 0, 0, running) for user_id, running in ((1, 1), (2, 2), (3, 2), (4, 1), (5, 1))
    ]


async def test_attempts_are_what_gmi_got_after_a_moment_and_came_to_nothing(storage: Storage) -> None:
    later = START + INSTANT
    for job in (
        replace(new_job(1, now=START), state=State.FAILED, request_id="req-1"),
        replace(new_job(2, now=later), state=State.FAILED, request_id="req-2"),
        replace(new_job(3, now=later), state=State.REFUSED, reason=Reason.POLICY, quota_guild_id=None),
        replace(new_job(4, now=later), state=State.REFUSED, reason=Reason.RATE),
        replace(new_job(5, now=later), state=State.CANCELLED),
        replace(new_job(6, now=later), state=State.DELIVERED, request_id="req-6"),
        replace(new_job(7, now=later, user_id=2), state=State.OVERDUE, request_id="req-7"),
    ):
        await storage.jobs.add(job)
    found = sorted(await storage.quotas.attempts(START), key=lambda attempt: attempt.job_id)
    assert found == [Attempt(2, GUILD, 1, later), Attempt(3, None, 1, later), Attempt(7, GUILD, 2, later)]


async def test_no_rule_is_too_large_to_be_stored(storage: Storage) -> None:
    await storage.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(2**40, None))
    assert [stored.rule for stored in await storage.quotas.rules()] == [Rule(2**31 - 1, None)]


async def test_a_row_that_makes_no_sense_leaves_the_others_readable(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2):
        await storage.jobs.add(replace(new_job(number), state=State.FAILED, request_id="req"))
        await storage.quotas.save_reset(GUILD, number, START)
    await storage.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(3, None))
    await storage.quotas.save_rule(GUILD, Scope.MEMBER, 5, Rule(4, None))
    async with storage.database.transaction() as connection:
        for statement in (
            "UPDATE jobs SET charge = 'free', reason = 'none' WHERE id = 1",
            "UPDATE quota_rules SET per = 'decade' WHERE target_id = 5",
            # So many microseconds are later than any date that Python knows.
            "UPDATE quota_resets SET at = 4611686018427387904 WHERE user_id = 2",
        ):
            await connection.exec_driver_sql(statement)

    assert [job.job_id for job in await ended_jobs(storage, START - HOUR)] == [2]
    assert [attempt.job_id for attempt in await storage.quotas.attempts(START - HOUR)] == [2]
    assert [stored.rule.videos for stored in await storage.quotas.rules()] == [3]
    assert [reset.user_id for reset in await storage.quotas.resets(START - HOUR)] == [1]
    assert "A row of quota_rules (10) cannot be read: ValueError" in caplog.text

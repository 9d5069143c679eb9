"""Quotas in the database: rules and resets as set, uses and attempts as jobs left them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.models.jobs import Charge
from bot.models.quotas import Period, Rule, Scope
from bot.models.states import Reason, State
from bot.storage.quotas import Attempt, QuotaReset, QuotaUse, StoredRule
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START, new_job

HOUR, INSTANT = timedelta(hours=1), timedelta(microseconds=1)


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
    found = await storage.quotas.resets()
    assert len(found) == 3
    assert QuotaReset(GUILD, 1, START + HOUR) in found
    assert QuotaReset(GUILD, 2, START) in found
    assert QuotaReset(GUILD + 1, 1, START + INSTANT) in found


async def test_uses_are_what_counts_after_a_moment_and_what_is_still_held(storage: Storage) -> None:
    old = START - HOUR
    for job in (
        replace(new_job(1, now=old, seconds=3), charge=Charge.HELD),
        replace(new_job(2, now=old), charge=Charge.SETTLED),
        replace(new_job(3, now=START), charge=Charge.SETTLED),
        replace(new_job(5, now=START + INSTANT, user_id=2), charge=Charge.SETTLED, quota_guild_id=None),
        replace(new_job(4, now=START + INSTANT), charge=Charge.HELD),
        replace(new_job(6, now=START + HOUR), charge=Charge.REFUNDED),
    ):
        await storage.jobs.add(job)
    assert await storage.quotas.uses(START) == [
        QuotaUse(1, GUILD, 1, 3, old, Charge.HELD),
        QuotaUse(4, GUILD, 1, 5, START + INSTANT, Charge.HELD),
        QuotaUse(5, None, 2, 5, START + INSTANT, Charge.SETTLED),
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

    assert [use.job_id for use in await storage.quotas.uses(START - HOUR)] == [2]
    assert [attempt.job_id for attempt in await storage.quotas.attempts(START - HOUR)] == [2]
    assert [stored.rule.videos for stored in await storage.quotas.rules()] == [3]
    assert [reset.user_id for reset in await storage.quotas.resets()] == [1]
    assert "A row of quota_rules (10) cannot be read: ValueError" in caplog.text

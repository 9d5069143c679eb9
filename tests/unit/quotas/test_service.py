"""What moderators change: in storage first, then in memory, and the same in both."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.models.budgets import UNLIMITED, Budget, BudgetScope, BudgetStatus, ServerBudget, WarningLevel
from bot.models.jobs import Charge, Job
from bot.models.quotas import EffectiveRule, Period, Rule, Scope, Usage
from bot.models.states import State
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.quotas.service import QuotaService
from bot.quotas.warnings import BudgetWarnings
from bot.storage.storage import Storage, StorageFault, StorageUnavailable
from bot.tasks import Tasks
from tests.unit.storage.faults import full_disk
from tests.unit.storage.samples import GUILD, START, FixedClock, new_job

DAY = timedelta(days=1)
MEMBER = 7
DEFAULT = Rule(5, None)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def limiter() -> QuotaLimiter:
    return QuotaLimiter(DEFAULT, 2, 3)


def new_service(storage: Storage, limiter: QuotaLimiter, clock: FixedClock) -> QuotaService:
    warnings = BudgetWarnings(limiter.budgets, storage.budgets, clock, Tasks(clock), None)
    return QuotaService(storage, limiter, warnings, clock)


@pytest.fixture
def service(storage: Storage, limiter: QuotaLimiter, clock: FixedClock) -> QuotaService:
    return new_service(storage, limiter, clock)


async def after_a_restart(storage: Storage, clock: FixedClock) -> QuotaService:
    limiter = QuotaLimiter(DEFAULT, 2, 3)
    await rebuild(limiter, storage, clock.now())
    return new_service(storage, limiter, clock)


def ended(job_id: int, user_id: int, at: datetime) -> Job:
    return replace(new_job(job_id, user_id, now=at), state=State.DELIVERED, charge=Charge.SETTLED)


TARGETS: list[tuple[Scope, int | None]] = [(Scope.SERVER, None), (Scope.ROLE, 3), (Scope.MEMBER, MEMBER)]


@pytest.mark.parametrize(("scope", "target_id"), TARGETS)
async def test_a_rule_applies_at_once_and_after_a_restart(
    scope: Scope, target_id: int | None, service: QuotaService, storage: Storage, clock: FixedClock
) -> None:
    rule = Rule(2, 30, Period.WEEK)
    await service.set_rule(GUILD, scope, target_id, Rule(9, None))
    await service.set_rule(GUILD, scope, target_id, rule)
    expected = EffectiveRule(rule, scope, target_id)
    for quotas in (service, await after_a_restart(storage, clock)):
        assert quotas.rules(GUILD) == [expected]
        assert quotas.effective(GUILD, MEMBER, [3]) == expected
        assert quotas.status(GUILD, MEMBER, [3]).effective == expected
        assert quotas.rules(GUILD + 1) == []


@pytest.mark.parametrize(("scope", "target_id"), TARGETS)
async def test_a_cleared_rule_is_gone_at_once_and_after_a_restart(
    scope: Scope, target_id: int | None, service: QuotaService, storage: Storage, clock: FixedClock
) -> None:
    await service.set_rule(GUILD, scope, target_id, Rule(2, None))
    assert await service.clear_rule(GUILD, scope, target_id)
    assert not await service.clear_rule(GUILD, scope, target_id)
    for quotas in (service, await after_a_restart(storage, clock)):
        assert quotas.rules(GUILD) == []
        assert quotas.effective(GUILD, MEMBER, [3]).scope is Scope.OPERATOR


async def test_a_reset_forgets_what_was_used_until_now_and_keeps_what_runs(
    service: QuotaService, limiter: QuotaLimiter, storage: Storage, clock: FixedClock
) -> None:
    limiter.reserve(1, GUILD, MEMBER, [], 5, START)
    limiter.reserve(2, GUILD, MEMBER, [], 5, START)
    limiter.settle(1)
    limiter.count_attempt(3, GUILD, MEMBER, START)
    await service.reset(GUILD, MEMBER)
    status = service.status(GUILD, MEMBER, [])
    assert (status.used_videos, status.attempts, status.running) == (0, 0, 1)
    clock.moment += timedelta(microseconds=1)
    limiter.reserve(4, GUILD, MEMBER, [], 5, clock.now())
    assert service.status(GUILD, MEMBER, []).used_videos == 1
    assert [(reset.user_id, reset.at) for reset in await storage.quotas.resets(START - DAY)] == [
        (MEMBER, START)
    ]


async def test_what_could_not_be_saved_has_not_changed(
    service: QuotaService, limiter: QuotaLimiter, storage: Storage, clock: FixedClock
) -> None:
    await service.set_rule(GUILD, Scope.SERVER, None, Rule(3, None))
    limiter.reserve(1, GUILD, MEMBER, [], 5, START)
    with full_disk():
        for work in (
            service.set_rule(GUILD, Scope.SERVER, None, Rule(9, None)),
            service.clear_rule(GUILD, Scope.SERVER, None),
            service.reset(GUILD, MEMBER),
        ):
            with pytest.raises(StorageUnavailable):
                await work
    assert service.status(GUILD, MEMBER, []).used_videos == 1
    for quotas in (service, await after_a_restart(storage, clock)):
        assert [effective.rule.videos for effective in quotas.rules(GUILD)] == [3]
    assert await storage.quotas.resets(START - DAY) == []
    await service.set_rule(GUILD, Scope.SERVER, None, Rule(9, None))
    assert [effective.rule.videos for effective in service.rules(GUILD)] == [9]


@pytest.mark.parametrize(
    ("scope", "target_id"),
    [(Scope.OPERATOR, None), (Scope.SERVER, 1), (Scope.ROLE, None), (Scope.MEMBER, None)],
)
async def test_a_rule_without_a_sensible_target_is_not_saved(
    scope: Scope, target_id: int | None, service: QuotaService, storage: Storage
) -> None:
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        await service.set_rule(GUILD, scope, target_id, Rule(1, None))
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        await service.clear_rule(GUILD, scope, target_id)
    assert await storage.quotas.rules() == []


async def test_changes_of_one_moment_leave_memory_and_storage_the_same(
    service: QuotaService, storage: Storage, clock: FixedClock
) -> None:
    changes = [service.set_rule(GUILD, Scope.SERVER, None, Rule(videos, None)) for videos in range(1, 9)]
    removals = [service.clear_rule(GUILD, Scope.ROLE, 3), service.clear_rule(GUILD, Scope.ROLE, 3)]
    roles = [service.set_rule(GUILD, Scope.ROLE, 3, Rule(videos, None)) for videos in (1, 2)]
    resets = [service.reset(GUILD, MEMBER) for _ in range(3)]
    await asyncio.gather(*changes, roles[0], removals[0], roles[1], removals[1], *resets)
    again = await after_a_restart(storage, clock)
    assert service.rules(GUILD) == again.rules(GUILD)
    assert [effective.rule for effective in service.rules(GUILD)] == [Rule(8, None)]


async def test_status_and_usage_go_with_the_clock(storage: Storage, clock: FixedClock) -> None:
    await storage.jobs.add(ended(1, MEMBER, START))
    service = await after_a_restart(storage, clock)
    assert await service.usage(GUILD, Period.DAY) == [Usage(MEMBER, 1, 5, 0)]
    assert await service.usage(GUILD + 1, Period.DAY) == []
    assert service.status(GUILD, MEMBER, []).used_videos == 1
    clock.moment += DAY
    assert await service.usage(GUILD, Period.DAY) == []
    assert await service.usage(GUILD, Period.WEEK) == [Usage(MEMBER, 1, 5, 0)]
    assert service.status(GUILD, MEMBER, []).used_videos == 0


async def test_a_rule_is_changed_from_what_it_was(
    service: QuotaService, storage: Storage, clock: FixedClock
) -> None:
    def one_more(before: Rule | None) -> Rule:
        return Rule(1 if before is None else (before.videos or 0) + 1, None, Period.WEEK, at_once=2)

    first = await service.change_rule(GUILD, Scope.ROLE, 3, one_more)
    assert first == (None, Rule(1, None, Period.WEEK, at_once=2))
    second = await service.change_rule(GUILD, Scope.ROLE, 3, one_more)
    assert second == (first[1], Rule(2, None, Period.WEEK, at_once=2))
    # Another role, server or scope has none of it.
    for guild_id, scope, target_id in ((GUILD, Scope.ROLE, 4), (GUILD + 1, Scope.ROLE, 3)):
        assert (await service.change_rule(guild_id, scope, target_id, one_more))[0] is None
    for quotas in (service, await after_a_restart(storage, clock)):
        assert quotas.effective(GUILD, MEMBER, [3]).rule == second[1]
        assert quotas.rules(GUILD + 2) == []


async def test_what_refuses_a_change_leaves_the_rule(service: QuotaService, storage: Storage) -> None:
    def refuse(_: Rule | None) -> Rule:
        raise LookupError("no")

    await service.set_rule(GUILD, Scope.SERVER, None, Rule(9, None))
    with pytest.raises(LookupError):
        await service.change_rule(GUILD, Scope.SERVER, None, refuse)
    assert [stored.rule for stored in await storage.quotas.rules()] == [Rule(9, None)]


async def test_everyone_without_another_rule_has_the_servers_or_the_operators(service: QuotaService) -> None:
    assert service.rule_of_everyone(GUILD) == EffectiveRule(DEFAULT, Scope.OPERATOR, None)
    await service.set_rule(GUILD, Scope.MEMBER, MEMBER, Rule(1, None))
    await service.set_rule(GUILD, Scope.SERVER, None, Rule(9, None))
    assert service.rule_of_everyone(GUILD) == EffectiveRule(Rule(9, None), Scope.SERVER, None)
    assert service.rule_of_everyone(GUILD + 1).scope is Scope.OPERATOR


async def test_a_budget_and_a_pause_apply_at_once_and_after_a_restart(
    service: QuotaService, limiter: QuotaLimiter, storage: Storage, clock: FixedClock
) -> None:
    assert service.budget(GUILD) == ServerBudget()
    assert await service.set_budget(GUILD, Rule(9, None)) == UNLIMITED
    assert await service.set_budget(GUILD, Rule(2, 30, Period.WEEK)) == Rule(9, None)
    assert await service.set_paused(GUILD, True)
    assert not await service.set_paused(GUILD, True)
    await storage.jobs.add(new_job(1))
    limiter.budgets.add(1, GUILD, 5, START)
    budget = Budget(BudgetScope.OWN, Rule(2, 30, Period.WEEK), GUILD)
    for quotas in (service, await after_a_restart(storage, clock)):
        assert quotas.budget(GUILD) == ServerBudget(Rule(2, 30, Period.WEEK), paused=True)
        assert quotas.budgets_in_force(GUILD) == [BudgetStatus(budget, 1, 5, START + 7 * DAY)]
        assert quotas.budgets_in_force(GUILD + 1) == quotas.budgets_in_force(None) == []
        assert quotas.budget(GUILD + 1) == ServerBudget()
    assert await service.set_paused(GUILD, False)
    assert service.budget(GUILD) == ServerBudget(Rule(2, 30, Period.WEEK))


async def test_a_budget_that_cannot_be_saved_does_not_change(service: QuotaService) -> None:
    await service.set_budget(GUILD, Rule(3, None))
    with full_disk():
        for work in (service.set_budget(GUILD, Rule(9, None)), service.set_paused(GUILD, True)):
            with pytest.raises(StorageUnavailable):
                await work
    assert service.budget(GUILD) == ServerBudget(Rule(3, None))


async def test_a_changed_budget_gives_its_warnings_anew_and_an_equal_one_does_not(
    limiter: QuotaLimiter, storage: Storage, clock: FixedClock
) -> None:
    warnings = BudgetWarnings(limiter.budgets, storage.budgets, clock, Tasks(clock), None)
    service = QuotaService(storage, limiter, warnings, clock)
    limiter.budgets.add(1, GUILD, 5, START)
    for rule, told in ((Rule(1, None), True), (Rule(1, None), False), (Rule(None, 5), True)):
        await service.set_budget(GUILD, rule)
        warnings.look(GUILD)
        untold = service.untold_warnings(GUILD)
        assert [level for level, _ in untold] == [WarningLevel.FULL] * told
        assert all(status.budget.rule == rule for _, status in untold)
        assert service.untold_warnings(GUILD) == []


@pytest.mark.parametrize(("scope", "target_id"), TARGETS)
async def test_a_rule_that_looks_further_back_counts_what_is_only_in_storage(
    scope: Scope, target_id: int | None, storage: Storage, clock: FixedClock
) -> None:
    for job_id, ago in enumerate((1, 10, 29, 30), start=1):
        await storage.jobs.add(ended(job_id, MEMBER, START - ago * DAY + timedelta(hours=1)))
    await storage.jobs.add(ended(9, MEMBER + 1, START - 3 * DAY))
    service = await after_a_restart(storage, clock)
    assert service.status(GUILD, MEMBER, [3]).used_videos == 1

    await service.set_rule(GUILD, scope, target_id, Rule(9, None, Period.WEEK))
    assert service.status(GUILD, MEMBER, [3]).used_videos == 1
    await service.set_rule(GUILD, scope, target_id, Rule(9, None, Period.MONTH))

    assert service.status(GUILD, MEMBER, [3]).used_videos == 4
    again = await after_a_restart(storage, clock)
    assert again.status(GUILD, MEMBER, [3]) == service.status(GUILD, MEMBER, [3])
    await service.reset(GUILD, MEMBER)
    assert service.status(GUILD, MEMBER, [3]).used_videos == 0
    assert (await after_a_restart(storage, clock)).status(GUILD, MEMBER, [3]).used_videos == 0


async def test_a_budget_that_looks_further_back_counts_what_is_only_in_storage(
    storage: Storage, clock: FixedClock
) -> None:
    for job_id, ago in enumerate((1, 10, 40), start=1):
        await storage.jobs.add(ended(job_id, MEMBER, START - ago * DAY + timedelta(hours=1)))
    lost = replace(ended(4, MEMBER, START - 20 * DAY), state=State.UNCONFIRMED, charge=Charge.REFUNDED)
    await storage.jobs.add(lost)
    service = await after_a_restart(storage, clock)

    await service.set_budget(GUILD, Rule(None, 100, Period.MONTH))

    assert [status.used_videos for status in service.budgets_in_force(GUILD)] == [3]
    again = await after_a_restart(storage, clock)
    assert again.budgets_in_force(GUILD) == service.budgets_in_force(GUILD)


async def test_a_rule_for_which_storage_cannot_be_read_changes_nothing(
    storage: Storage, clock: FixedClock
) -> None:
    service = await after_a_restart(storage, clock)
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME TO jobs_away")

    with pytest.raises(StorageFault):
        await service.set_rule(GUILD, Scope.SERVER, None, Rule(1, None, Period.MONTH))

    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs_away RENAME TO jobs")
    assert service.rules(GUILD) == (await after_a_restart(storage, clock)).rules(GUILD) == []


async def test_a_start_reads_no_further_back_than_a_rule_in_force_looks(
    storage: Storage, clock: FixedClock
) -> None:
    for job_id, guild_id in enumerate((GUILD, GUILD + 1, None), start=1):
        await storage.jobs.add(replace(ended(job_id, MEMBER, START - 10 * DAY), quota_guild_id=guild_id))
    await storage.jobs.add(new_job(5, MEMBER, now=START - 50 * DAY))  # still open
    await storage.quotas.save_rule(GUILD + 1, Scope.ROLE, 3, Rule(9, None, Period.MONTH))
    limiter = QuotaLimiter(DEFAULT, 2, 3)
    await rebuild(limiter, storage, clock.now())

    assert [job_id for job_id in range(1, 6) if job_id in limiter] == [2, 5]


async def test_what_was_forgotten_is_read_again_when_a_rule_looks_further_back(
    storage: Storage, clock: FixedClock
) -> None:
    await storage.jobs.add(ended(1, MEMBER, START))
    limiter = QuotaLimiter(DEFAULT, 2, 3)
    await rebuild(limiter, storage, clock.now())
    service = new_service(storage, limiter, clock)
    clock.moment += 3 * DAY
    limiter.forget_old(clock.now())
    assert 1 not in limiter

    await service.set_rule(GUILD, Scope.SERVER, None, Rule(9, None, Period.WEEK))
    await service.set_budget(GUILD, Rule(9, None, Period.WEEK))

    assert service.status(GUILD, MEMBER, []).used_videos == 1
    assert [status.used_videos for status in service.budgets_in_force(GUILD)] == [1]


@pytest.mark.parametrize("charge", [Charge.HELD, Charge.SETTLED])
async def test_a_budget_that_looks_further_back_counts_what_is_still_open(
    storage: Storage, clock: FixedClock, charge: Charge
) -> None:
    state = State.PROCESSING if charge is Charge.HELD else State.SUCCEEDED
    await storage.jobs.add(replace(new_job(1, MEMBER), state=state, charge=charge))
    limiter = QuotaLimiter(DEFAULT, 2, 3)
    await rebuild(limiter, storage, clock.now())
    service = new_service(storage, limiter, clock)
    clock.moment += 2 * DAY
    limiter.forget_old(clock.now())

    await service.set_budget(GUILD, Rule(0, None, Period.WEEK))

    assert [status.used_videos for status in service.budgets_in_force(GUILD)] == [1]
    limiter.withdraw(1)  # what has come to nothing after all is given back as ever
    assert [status.used_videos for status in service.budgets_in_force(GUILD)] == [0]


async def test_the_first_budget_counts_what_was_used_before_it_however_long_the_bot_ran(
    storage: Storage, clock: FixedClock
) -> None:
    await storage.jobs.add(ended(1, MEMBER, START))
    limiter = QuotaLimiter(DEFAULT, 2, 3)
    await rebuild(limiter, storage, clock.now())
    service = new_service(storage, limiter, clock)
    clock.moment += timedelta(hours=2)
    limiter.forget_old(clock.now())

    await service.set_budget(GUILD, Rule(9, None, Period.DAY))

    assert [status.used_videos for status in service.budgets_in_force(GUILD)] == [1]


async def test_a_server_is_forgotten_in_memory_as_in_storage(
    service: QuotaService, limiter: QuotaLimiter, storage: Storage, clock: FixedClock
) -> None:
    job = new_job(1, MEMBER)
    await storage.jobs.add(job)
    limiter.replay(1, GUILD, MEMBER, 5, START, job.charge)
    limiter.budgets.add(1, GUILD, 5, START)
    for guild_id in (GUILD, GUILD + 1):
        await service.set_rule(guild_id, Scope.SERVER, None, Rule(2, None))
        await service.set_budget(guild_id, Rule(3, None))
        await service.set_paused(guild_id, True)
        await service.reset(guild_id, MEMBER)
    assert service.status(GUILD, MEMBER, []).used_videos == 0
    await service.forget_server(GUILD)
    for quotas in (service, await after_a_restart(storage, clock)):
        assert quotas.rules(GUILD) == []
        assert quotas.budget(GUILD) == ServerBudget()
        assert quotas.status(GUILD, MEMBER, []).used_videos == 1
        assert len(quotas.rules(GUILD + 1)) == 1
        assert quotas.budget(GUILD + 1).paused


async def test_a_server_whose_rules_cannot_be_erased_keeps_them(service: QuotaService) -> None:
    await service.set_rule(GUILD, Scope.SERVER, None, Rule(2, None))
    with full_disk(), pytest.raises(StorageUnavailable):
        await service.forget_server(GUILD)
    assert len(service.rules(GUILD)) == 1

"""Two processes that both take requests of the same members: together they never exceed a rule."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from bot.jobs.active import ActiveJobs
from bot.models.budgets import BudgetExceeded, BudgetScope, Ceilings
from bot.models.jobs import Job
from bot.models.quotas import ExceededLimit, LimitExceeded, Period, QuotaExceeded, Rule
from bot.models.shards import Share, share_of
from bot.models.states import Reason, State
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.quotas.shared import SharedQuotas
from bot.storage.storage import Storage, TimeLimits
from fakes import postgres
from tests.unit.storage.samples import GUILD, MEMBERS, START, FixedClock, new_job

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNLIMITED = Rule(None, None)
PATIENT = TimeLimits(interactive=20, new_job=20)
VIDEO = ("https://cdn.example.invalid/a.mp4",)
# How a job can end, and what it costs then: nothing, its use, or an attempt.
ENDS: list[tuple[State, Reason | None]] = [
    (State.SUCCEEDED, None),
    (State.FAILED, Reason.FAILED),
    (State.CANCELLED, Reason.CANCELLED),
    (State.OVERDUE, Reason.DEADLINE),
]


class Process:
    """One process: a memory of its own on the storage that both share."""

    def __init__(self, storage: Storage, clock: FixedClock, limiter: QuotaLimiter, share: Share) -> None:
        self.storage, self.clock, self.limiter = storage, clock, limiter
        self.shared = SharedQuotas(limiter, storage, share)
        self.jobs = ActiveJobs(storage, limiter, clock)

    async def start(self, job: Job) -> None:
        """Reserve and insert: what the starter does."""
        place, now, seconds = job.quota_guild_id, self.clock.now(), job.request.duration
        admission = self.shared.admission(place, job.user_id, [], seconds, now)
        if admission is None:
            self.limiter.reserve(job.id, place, job.user_id, [], seconds, now)
        try:
            assert await self.storage.jobs.add(job, self.limiter.budgets.of_place(place), admission)
        except LimitExceeded:
            self.limiter.withdraw(job.id)
            raise
        if admission is not None:
            self.shared.take(job)
        self.jobs.add(job)

    async def check(self, job: Job) -> None:
        await self.shared.check(job.quota_guild_id, job.user_id, [], job.request.duration, self.clock.now())


def direct(job_id: int, user_id: int = MEMBERS[0], seconds: int = 5, now: datetime = START) -> Job:
    return replace(new_job(job_id, user_id, seconds, now), quota_guild_id=None)


def facts(error: LimitExceeded) -> object:
    """Return all that a sentence about a refusal is made of."""
    return vars(error)


class TwoLimiters(RuleBasedStateMachine):
    """Whatever either process does, both answer as one that did it all would."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = FixedClock()
        self.number = 0

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    @initialize(
        allowed=st.builds(
            Rule, st.none() | st.integers(1, 4), st.none() | st.integers(3, 25), st.sampled_from(Period)
        ),
        running=st.integers(1, 3),
        attempts=st.none() | st.integers(1, 3),
    )
    def open(self, allowed: Rule, running: int, attempts: int | None) -> None:
        server = postgres.shared()
        url = server.url(self.run(server.create()))
        self.storages = [self.run(Storage.open(url, PATIENT)) for _ in range(2)]
        self.allowed, self.running, self.attempts = allowed, running, attempts
        self.one = self.new_limiter()  # as if there were a single process
        self.processes = [self.process(which) for which in range(2)]

    def new_limiter(self) -> QuotaLimiter:
        return QuotaLimiter(self.allowed, self.running, self.attempts)

    def process(self, which: int) -> Process:
        return Process(self.storages[which], self.clock, self.new_limiter(), share_of(which, 2, 2))

    @rule(which=st.integers(0, 1), user_id=st.sampled_from(MEMBERS), seconds=st.integers(1, 10))
    def start(self, which: int, user_id: int, seconds: int) -> None:
        self.number += 1
        now, process = self.clock.now(), self.processes[which]
        job = direct(self.number, user_id, seconds, now)
        expected = None
        try:
            self.one.reserve(job.id, None, user_id, [], seconds, now)
        except QuotaExceeded as error:
            expected = facts(error)
        for work in (process.check(job), process.start(job)):
            found = None
            try:
                self.run(work)
            except QuotaExceeded as error:
                found = facts(error)
            assert found == expected
        assert process.limiter.status(None, user_id, [], now) == self.one.status(None, user_id, [], now)

    @rule(number=st.integers(1, 12), which=st.integers(0, 1), end=st.sampled_from(ENDS))
    def end(self, number: int, which: int, end: tuple[State, Reason | None]) -> None:
        state, reason = end
        process = self.processes[which]
        job = process.jobs.get(number)
        if job is None or job.state is not State.SUBMITTING:
            return
        results = VIDEO if state is State.SUCCEEDED else ()
        self.run(process.jobs.transition(number, state, reason=reason, request_id="r", results=results))
        if state is State.SUCCEEDED:
            self.one.settle(number)
        else:
            self.one.refund(number)
        if process.jobs[number].in_vain:
            self.one.count_attempt(number, None, job.user_id, job.created_at)

    @rule(step=st.sampled_from([timedelta(minutes=20), HOUR, 7 * HOUR, DAY, 8 * DAY]))
    def pass_time(self, step: timedelta) -> None:
        self.clock.moment += step

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        jobs = list(self.processes[which].jobs)
        process = self.processes[which] = self.process(which)
        self.run(rebuild(process.limiter, process.storage, self.clock.now()))
        for job in jobs:
            process.jobs.add(job)

    def teardown(self) -> None:
        for storage in getattr(self, "storages", []):
            self.run(storage.close())
        self.runner.close()


TestTwoLimiters = TwoLimiters.TestCase
TestTwoLimiters.settings = settings(
    max_examples=6, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture
async def storages() -> AsyncIterator[list[Storage]]:
    server = postgres.shared()
    url = server.url(await server.create())
    async with AsyncExitStack() as stack:
        opened = [await Storage.open(url, PATIENT) for _ in range(2)]
        for storage in opened:
            stack.push_async_callback(storage.close)
        yield opened


def processes(storages: list[Storage], allowed: Rule, ceilings: Ceilings | None = None) -> list[Process]:
    clock = FixedClock()
    return [
        Process(storage, clock, QuotaLimiter(allowed, 99, ceilings=ceilings), share_of(number, 2, 2))
        for number, storage in enumerate(storages)
    ]


async def test_of_twenty_at_once_in_two_processes_just_as_many_are_admitted_as_the_rule_allows(
    storages: list[Storage],
) -> None:
    both = processes(storages, Rule(3, None))
    started = [both[number % 2].start(direct(number)) for number in range(1, 21)]
    started += [both[number % 2].start(direct(number, MEMBERS[1])) for number in range(21, 25)]
    results = await asyncio.gather(*started, return_exceptions=True)
    refused = [result for result in results if isinstance(result, QuotaExceeded)]
    assert len(refused) == 18
    assert {error.exceeded for error in refused} == {ExceededLimit.VIDEOS}
    assert results.count(None) == 6


async def test_what_another_process_has_heard_the_end_of_refuses_nobody(storages: list[Storage]) -> None:
    first, second = processes(storages, Rule(1, None), Ceilings(bot=Rule(None, 8), direct=Rule(None, 6)))
    await first.start(direct(1))
    await second.shared.refresh(None, MEMBERS[0], START)
    await second.shared.count_budgets(None, START)
    used = second.limiter.budgets.used(None, START)
    assert [(status.used_videos, status.used_seconds) for status in used] == [(1, 5), (1, 5)]
    with pytest.raises(QuotaExceeded):
        await second.start(direct(2))
    with pytest.raises(BudgetExceeded) as caught:
        await second.check(direct(2, MEMBERS[1]))
    assert caught.value.status.budget.scope is BudgetScope.DIRECT
    await first.jobs.transition(1, State.FAILED, reason=Reason.FAILED)
    await second.check(direct(2))
    await second.start(direct(2))


async def test_members_of_a_server_are_counted_in_memory_and_the_bot_by_its_rows(
    storages: list[Storage], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other = processes(storages, Rule(2, None), Ceilings(bot=Rule(3, None)))
    assert not home.shared.concerns(GUILD)
    assert other.shared.concerns(GUILD)  # whatever may arrive there
    await home.start(new_job(1))
    await other.start(direct(2))
    await other.start(direct(3))
    with pytest.raises(BudgetExceeded) as caught:
        await home.check(new_job(4))
    assert caught.value.status.used_videos == 3
    monkeypatch.setattr(home.storage.quotas, "usage_of", None)
    await home.shared.refresh(GUILD, MEMBERS[0], START)


async def test_a_single_process_reads_nothing() -> None:
    limiter = QuotaLimiter(Rule(1, None), 1, ceilings=Ceilings(bot=Rule(1, None)))
    alone = SharedQuotas(limiter, None, share_of(0, 1, 3))  # type: ignore[arg-type]
    await alone.check(None, 1, [], 5, START)
    await alone.refresh(None, 1, START)
    await alone.count_budgets(None, START)
    assert alone.admission(None, 1, [], 5, START) is None
    limiter.reserve(1, None, 1, [], 5, START)
    with pytest.raises(QuotaExceeded):
        await alone.check(None, 1, [], 5, START)

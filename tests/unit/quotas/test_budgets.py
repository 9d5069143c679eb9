"""No order of events, and no second process, spends more than the operator allows."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.jobs.active import ActiveJobs
from bot.models.budgets import (
    UNLIMITED,
    Budget,
    BudgetExceeded,
    BudgetScope,
    Ceilings,
    ServerBudget,
    ServerPaused,
    cutting,
)
from bot.models.jobs import Job, can_move
from bot.models.quotas import ExceededLimit, Period, Rule
from bot.models.states import Reason, State
from bot.quotas.budgets import Budgets
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.storage.storage import Storage
from fakes import postgres
from tests.unit.storage.samples import GUILD, START, FixedClock, new_job

OTHER = GUILD + 1
PLACES: list[int | None] = [GUILD, OTHER, None]
INSTANT = timedelta(microseconds=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEPS = [INSTANT, timedelta(minutes=20), HOUR - INSTANT, HOUR, 7 * HOUR, DAY, 3 * DAY]
SOME_RULES = st.builds(
    Rule, st.none() | st.integers(1, 4), st.none() | st.integers(0, 25), st.sampled_from(Period)
)
# How a job can end, and whether GMI may bill it all the same.
ENDS: list[tuple[State, Reason | None, bool]] = [
    (State.QUEUED, None, True),
    (State.SUCCEEDED, None, True),
    (State.OVERDUE, Reason.DEADLINE, True),
    (State.UNCONFIRMED, Reason.UNCLEAR, True),
    (State.FAILED, Reason.DEADLINE, True),
    (State.FAILED, Reason.UNCLEAR, True),
    (State.FAILED, Reason.NO_RESULT, True),
    (State.FAILED, Reason.FAILED, False),
    (State.FAILED, Reason.POLICY, False),
    (State.CANCELLED, Reason.CANCELLED, False),
    (State.REFUSED, Reason.CREDIT, False),
    (State.REFUSED, Reason.NOT_SENT, False),
]


@dataclass
class Row:
    """What a job may cost."""

    job: Job
    billable: bool = True


class Process:
    """One process of the bot: a memory of its own on the storage that all share."""

    def __init__(self, storage: Storage, ceilings: Ceilings, clock: FixedClock) -> None:
        self.storage, self.ceilings, self.clock = storage, ceilings, clock
        self.limiter = QuotaLimiter(UNLIMITED, 1000, ceilings=ceilings)
        self.jobs = ActiveJobs(storage, self.limiter, clock)

    async def take_over(self) -> None:
        await rebuild(self.limiter, self.storage, self.clock.now())
        for job in await self.storage.jobs.unfinished():
            self.jobs.add(job)

    async def start(self, job: Job) -> None:
        """Reserve and insert, or give everything back: what the service does."""
        place, now = job.quota_guild_id, self.clock.now()
        self.limiter.reserve(job.id, place, job.user_id, [], job.request.duration, now)
        try:
            assert await self.storage.jobs.add(job, self.limiter.budgets.of_place(place))
        except BudgetExceeded:
            self.limiter.withdraw(job.id)
            raise
        self.jobs.add(job)


class TwoProcesses(RuleBasedStateMachine):
    """Jobs start in either process and end somehow; a model counts anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.clock = FixedClock()
        self.rows: list[Row] = []
        self.own: dict[int, ServerBudget] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def new_database(self) -> str:
        return f"sqlite+aiosqlite:///{Path(self.folder.name) / 'vidu.db'}"

    @initialize(bot=SOME_RULES, server=SOME_RULES, direct=SOME_RULES)
    def open(self, bot: Rule, server: Rule, direct: Rule) -> None:
        self.ceilings = Ceilings(bot, server, direct)
        self.storage = self.run(Storage.open(self.new_database()))
        self.processes = [Process(self.storage, self.ceilings, self.clock) for _ in range(2)]

    def budgets_of(self, place: int | None) -> list[Budget]:
        bot = Budget(BudgetScope.BOT, self.ceilings.bot)
        if place is None:
            return [Budget(BudgetScope.DIRECT, self.ceilings.direct), bot]
        own = self.own.get(place, ServerBudget()).rule
        return [
            Budget(BudgetScope.OWN, own, place),
            Budget(BudgetScope.SERVER, self.ceilings.server, place),
            bot,
        ]

    def counted(self, budget: Budget, place: int | None, now: datetime) -> tuple[int, int]:
        found = [
            row.job.request.duration
            for row in self.rows
            if row.billable
            and now < row.job.created_at + budget.rule.per.length
            and (budget.scope is BudgetScope.BOT or row.job.quota_guild_id == place)
        ]
        return len(found), sum(found)

    def fits(self, place: int | None, seconds: int) -> bool:
        if place is not None and self.own.get(place, ServerBudget()).paused:
            return False
        for budget in self.budgets_of(place):
            videos, used = self.counted(budget, place, self.clock.now())
            limit = budget.rule
            if limit.videos is not None and videos + 1 > limit.videos:
                return False
            if limit.seconds is not None and used + seconds > limit.seconds:
                return False
        return True

    @rule(which=st.integers(0, 1), place=st.sampled_from(PLACES), seconds=st.integers(1, 10))
    def start(self, which: int, place: int | None, seconds: int) -> None:
        job = replace(new_job(len(self.rows) + 1, 1, seconds, self.clock.now()), quota_guild_id=place)
        fits = self.fits(place, seconds)
        try:
            self.run(self.processes[which].start(job))
        except (BudgetExceeded, ServerPaused):
            # A process may be too careful until it hears that another one's job came to nothing.
            assert not fits or self.has_old_news(which, place)
        else:
            assert fits
            self.rows.append(Row(job))

    def has_old_news(self, which: int, place: int | None) -> bool:
        now = self.clock.now()
        return any(
            (status.used_videos, status.used_seconds) > self.counted(status.budget, place, now)
            for status in self.processes[which].limiter.budgets.used(place, now)
        )

    @rule(number=st.integers(1, 12), which=st.integers(0, 1), end=st.sampled_from(ENDS))
    def end(self, number: int, which: int, end: tuple[State, Reason | None, bool]) -> None:
        state, reason, billable = end
        active = self.processes[which].jobs
        job = active.get(number)
        if job is None or not can_move(job, state) or self.run(self.storage.jobs.get(number)) != job:
            return
        results = ("https://cdn.example.invalid/a.mp4",) if state is State.SUCCEEDED else ()
        self.run(active.transition(number, state, reason=reason, results=results))
        self.rows[number - 1].billable = billable

    @rule(place=st.sampled_from([GUILD, OTHER]), own=SOME_RULES, paused=st.booleans())
    def change_own(self, place: int, own: Rule, paused: bool) -> None:
        self.own[place] = ServerBudget(own, paused)
        self.run(self.storage.budgets.save_server(place, self.own[place]))
        for process in self.processes:
            process.limiter.budgets.set_server(place, self.own[place])

    @rule(member=st.just(1), place=st.sampled_from([GUILD, OTHER]))
    def reset(self, member: int, place: int) -> None:
        for process in self.processes:
            process.limiter.reset(place, member, self.clock.now())

    @rule(step=st.sampled_from(STEPS))
    def pass_time(self, step: timedelta) -> None:
        self.clock.moment += step

    @rule(which=st.integers(0, 1))
    def forget_old(self, which: int) -> None:
        self.processes[which].limiter.forget_old(self.clock.now())

    @rule(which=st.integers(0, 1))
    def crash(self, which: int) -> None:
        process = self.processes[which] = Process(self.storage, self.ceilings, self.clock)
        self.run(process.take_over())
        now = self.clock.now()
        for place in PLACES:
            for status in process.limiter.budgets.used(place, now):
                expected = self.counted(status.budget, place, now)
                assert (status.used_videos, status.used_seconds) == expected

    @invariant()
    def no_ceiling_is_ever_passed(self) -> None:
        now = self.clock.now()
        for place in PLACES:
            for budget in self.budgets_of(place):
                if budget.scope is BudgetScope.OWN:
                    continue  # moderators may lower it below what was used
                videos, seconds = self.counted(budget, place, now)
                assert budget.rule.videos is None or videos <= budget.rule.videos
                assert budget.rule.seconds is None or seconds <= budget.rule.seconds

    @invariant()
    def memory_never_holds_what_was_not_stored(self) -> None:
        now = self.clock.now()
        for process in getattr(self, "processes", []):
            for place in PLACES:
                for status in process.limiter.budgets.used(place, now):
                    videos, seconds = self.counted_at_most(status.budget, place, now)
                    assert 0 <= status.used_videos <= videos
                    assert 0 <= status.used_seconds <= seconds

    def counted_at_most(self, budget: Budget, place: int | None, now: datetime) -> tuple[int, int]:
        """Count also what another process has heard to be free: this one has not."""
        found = [
            row.job.request.duration
            for row in self.rows
            if now < row.job.created_at + budget.rule.per.length
            and (budget.scope is BudgetScope.BOT or row.job.quota_guild_id == place)
        ]
        return len(found), sum(found)

    def teardown(self) -> None:
        if hasattr(self, "storage"):
            self.run(self.storage.close())
        self.runner.close()
        self.folder.cleanup()


class TwoProcessesOnPostgres(TwoProcesses):
    """The same on a server."""

    def new_database(self) -> str:
        server = postgres.shared()
        return server.url(self.run(server.create()))


TestTwoProcesses = TwoProcesses.TestCase
TestTwoProcesses.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTwoProcessesOnPostgres = TwoProcessesOnPostgres.TestCase
TestTwoProcessesOnPostgres.settings = settings(TestTwoProcesses.settings, max_examples=3)


@pytest.fixture(params=["sqlite", "postgres"])
async def two_stores(request: pytest.FixtureRequest, database_url: str) -> Any:
    server = postgres.shared() if request.param == "postgres" else None
    url = database_url if server is None else server.url(await server.create())
    opened = [await Storage.open(url) for _ in range(2)]
    yield opened
    for storage in opened:
        await storage.close()


async def test_of_thirty_at_once_in_two_processes_exactly_three_are_admitted(
    two_stores: list[Storage],
) -> None:
    ceilings = Ceilings(bot=Rule(None, 15))
    processes = [Process(storage, ceilings, FixedClock()) for storage in two_stores]
    started = [
        processes[number % 2].start(replace(new_job(number), user_id=number)) for number in range(1, 31)
    ]
    results = await asyncio.gather(*started, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [BudgetExceeded] * 27
    assert len(await two_stores[0].quotas.open_jobs()) == 3


async def test_what_a_process_does_not_know_of_is_refused_by_storage_in_the_same_words(
    two_stores: list[Storage],
) -> None:
    clock, ceilings = FixedClock(), Ceilings(bot=Rule(None, 12), server=Rule(2, None))
    first, second = (Process(storage, ceilings, clock) for storage in two_stores)
    await first.start(new_job(1))
    clock.moment += HOUR
    await first.start(new_job(2))
    with pytest.raises(BudgetExceeded) as caught:
        await second.start(new_job(3))
    refused = caught.value
    assert refused.status.budget == Budget(BudgetScope.SERVER, ceilings.server, GUILD)
    assert (refused.status.used_videos, refused.status.used_seconds) == (2, 10)
    assert (refused.exceeded, refused.frees) == (ExceededLimit.VIDEOS, START + DAY)
    # Nothing of the refused job is left, in neither memory.
    clock.moment = START + DAY
    await second.start(new_job(3, now=clock.moment))


def test_of_several_budgets_that_are_used_up_the_one_that_frees_last_is_named() -> None:
    budgets = Budgets(Ceilings(bot=Rule(None, 10, Period.WEEK), server=Rule(1, None)))
    budgets.add(1, GUILD, 10, START)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.check(GUILD, 5, START + HOUR)
    assert (caught.value.status.budget.scope, caught.value.frees) == (BudgetScope.BOT, START + 7 * DAY)
    with pytest.raises(BudgetExceeded) as caught:
        budgets.check(OTHER, 11, START + HOUR)  # longer than the budget ever allows
    assert caught.value.frees is None


@pytest.mark.parametrize(
    ("ceiling", "allowed", "cut"),
    [
        (Rule(None, 600), Rule(100_000, None), True),
        (Rule(None, 600), Rule(120, None), False),
        (Rule(None, 600), Rule(121, None), True),
        (Rule(10, None), Rule(None, 50), False),
        (Rule(10, None), Rule(None, 51), True),
        (Rule(10, None), Rule(1, None, Period.HOUR), True),
        (Rule(24, None), Rule(1, None, Period.HOUR), False),
        (Rule(10, None, Period.HOUR), Rule(11, None), True),
        (Rule(10, None, Period.HOUR), Rule(10, None), False),
        (UNLIMITED, UNLIMITED, False),
        (Rule(10, None), UNLIMITED, True),
    ],
)
def test_which_ceiling_ends_sooner_than_a_rule(ceiling: Rule, allowed: Rule, cut: bool) -> None:
    budget = Budget(BudgetScope.BOT, ceiling)
    assert cutting(allowed, [Budget(BudgetScope.SERVER, UNLIMITED), budget]) == (budget if cut else None)


@given(SOME_RULES, SOME_RULES)
def test_no_ceiling_cuts_what_fits_into_it(ceiling: Rule, allowed: Rule) -> None:
    within = Rule(
        ceiling.videos if allowed.videos is None else min(allowed.videos, ceiling.videos or allowed.videos),
        ceiling.seconds,
        ceiling.per,
    )
    if within.videos is not None and within.seconds is not None:
        assert cutting(within, [Budget(BudgetScope.BOT, ceiling)]) is None

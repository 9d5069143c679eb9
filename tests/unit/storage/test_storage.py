"""What is saved survives a crash at any moment, and the quotas in memory equal those in storage."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from bot.jobs.active import ActiveJobs
from bot.models.jobs import Charge, Job, can_move
from bot.models.quotas import LimitExceeded, Period, Rule, Scope
from bot.models.states import OPEN, TRANSITIONS, Reason, State
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.quotas.service import QuotaService
from bot.quotas.warnings import BudgetWarnings
from bot.storage.storage import Storage, StorageFault
from bot.tasks import Tasks
from fakes import postgres
from tests.unit.storage.samples import GUILD, MEMBERS, FixedClock, new_job


class Crashes(RuleBasedStateMachine):
    """Jobs start, move, and the process dies at any moment; a new one takes over the same file."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.url = self.new_database()
        self.clock = FixedClock()
        self.next_id = 1
        self.charges: dict[int, list[Charge]] = {}
        self.boot(self.run(Storage.open(self.url)))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def new_database(self) -> str:
        return f"sqlite+aiosqlite:///{Path(self.folder.name) / 'vidu.db'}"

    def boot(self, storage: Storage) -> None:
        self.storage = storage
        self.quotas = QuotaLimiter(Rule(3, None), 2, 3)
        self.run(rebuild(self.quotas, self.storage, self.clock.now()))
        warnings = BudgetWarnings(self.quotas.budgets, storage.budgets, self.clock, Tasks(self.clock), None)
        self.service = QuotaService(storage, self.quotas, warnings, self.clock)
        self.open = ActiveJobs(self.storage, self.quotas, self.clock)
        for job in self.run(self.storage.jobs.unfinished()):
            self.open.add(job)

    @rule(target=jobs, user_id=st.sampled_from(MEMBERS), seconds=st.integers(1, 10), dies=st.booleans())
    def start(self, user_id: int, seconds: int, dies: bool) -> Any:
        job = new_job(self.next_id, user_id, seconds, self.clock.now())
        try:
            self.quotas.reserve(job.id, GUILD, user_id, [], seconds, self.clock.now())
        except LimitExceeded:
            return multiple()
        self.next_id += 1
        if dies:  # between the reservation and the intent: no member waits for a video
            self.crash()
            return multiple()
        assert self.run(self.storage.jobs.add(job))
        assert not self.run(self.storage.jobs.add(job))
        self.open.add(job)
        self.charges[job.id] = [job.charge]
        return job.id

    @rule(job_id=jobs, choice=st.randoms(use_true_random=False))
    def move(self, job_id: int, choice: Any) -> None:
        job = self.open.get(job_id)
        if job is None or not TRANSITIONS[job.state]:
            return
        state = choice.choice(sorted(state for state in State if can_move(job, state)))
        if state is State.SUBMITTING:
            request_id = job.request_id or choice.choice([None, f"earlier-{job_id}"])
            self.run(self.open.resubmit(job_id, request_id=request_id))
            return
        changes: dict[str, Any] = {"reason": Reason.FAILED if state is State.FAILED else None}
        if state is State.REFUSED:
            changes["reason"] = choice.choice([Reason.POLICY, Reason.RATE])
        if state is State.SUCCEEDED and choice.choice([True, False]):
            changes["results"] = ("https://cdn.example.invalid/a.mp4",)
        known = job.request_id or choice.choice([None, f"req-{job_id}"])
        request_id = None if state in {State.REFUSED, State.UNCONFIRMED} else known
        after = self.run(self.open.transition(job_id, state, request_id=request_id, **changes))
        if after.charge is not self.charges[job_id][-1]:
            self.charges[job_id].append(after.charge)

    @rule(job_id=consumes(jobs))
    def forget(self, job_id: int) -> None:
        job = self.open.get(job_id)
        if job is not None and job.state not in OPEN:
            self.run(self.open.update(job_id, lambda job: replace(job, acknowledged=True)))
            self.open.drop(job_id)

    @rule(minutes=st.sampled_from([1, 30, 60, 30 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock.moment += timedelta(minutes=minutes)

    @rule(user_id=st.sampled_from(MEMBERS))
    def reset(self, user_id: int) -> None:
        self.run(self.service.reset(GUILD, user_id))
        self.clock.moment += timedelta(seconds=1)

    @rule(videos=st.integers(0, 4), per=st.sampled_from(Period))
    def set_rule(self, videos: int, per: Period) -> None:
        self.run(self.service.set_rule(GUILD, Scope.SERVER, None, Rule(videos, None, per)))

    @rule(videos=st.integers(0, 4), per=st.sampled_from(Period))
    def set_budget(self, videos: int, per: Period) -> None:
        self.run(self.service.set_budget(GUILD, Rule(videos, None, per)))

    @rule()
    def forget_old(self) -> None:
        self.quotas.forget_old(self.clock.now())

    @rule()
    def crash(self) -> None:
        # Opening the file again takes longer than all other steps: that is done once, at the end.
        self.boot(Storage(self.storage.database))

    @invariant()
    def memory_equals_what_storage_says(self) -> None:
        rebuilt = QuotaLimiter(Rule(3, None), 2, 3)
        self.run(rebuild(rebuilt, self.storage, self.clock.now()))
        for user_id in MEMBERS:
            ours = self.quotas.status(GUILD, user_id, [], self.clock.now())
            assert ours == rebuilt.status(GUILD, user_id, [], self.clock.now())
        used = self.quotas.budgets.used(GUILD, self.clock.now())
        assert used == rebuilt.budgets.used(GUILD, self.clock.now())

    @invariant()
    def nothing_is_charged_twice_and_no_reservation_leaks(self) -> None:
        for job_id, charges in self.charges.items():
            assert len(charges) <= 2
            stored: Job = self.run(self.storage.jobs.get(job_id))
            assert stored.charge is charges[-1]
            if stored.state not in OPEN:
                assert stored.charge is not Charge.HELD
        unfinished = {job.id for job in self.run(self.storage.jobs.unfinished())}
        assert unfinished == {job.id for job in self.open}

    def teardown(self) -> None:
        self.run(self.storage.close())
        self.storage = self.run(Storage.open(self.url))
        self.memory_equals_what_storage_says()
        self.nothing_is_charged_twice_and_no_reservation_leaks()
        self.run(self.storage.close())
        self.runner.close()
        self.folder.cleanup()


class PostgresCrashes(Crashes):
    """The same on a server."""

    def new_database(self) -> str:
        server = postgres.shared()
        return server.url(self.run(server.create()))


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPostgresCrashes = PostgresCrashes.TestCase
TestPostgresCrashes.settings = settings(TestCrashes.settings, max_examples=4)


async def test_what_no_database_takes_is_not_tried_for_ever(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    jobs_open = ActiveJobs(storage, QuotaLimiter(Rule(3, None), 2), FixedClock())
    for number in (1, 2):
        await storage.jobs.add(new_job(number))
        jobs_open.add(new_job(number))
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME COLUMN detail TO details")

    with pytest.raises(StorageFault):
        await jobs_open.transition(1, State.QUEUED)

    assert jobs_open[1].state is State.SUBMITTING
    assert "Job 1: cannot be saved as it is" in caplog.text
    assert "a fox" not in caplog.text
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME COLUMN details TO detail")
    assert (await jobs_open.transition(2, State.QUEUED)).state is State.QUEUED
    assert (await jobs_open.transition(1, State.QUEUED)).state is State.QUEUED

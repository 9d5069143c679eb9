"""Open jobs in memory: nobody hears of a change before it is saved, and what GMI said is never lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.models.jobs import Charge, IllegalTransition, Job
from bot.models.states import Reason, State
from bot.storage.jobs import JobStore
from bot.storage.storage import StaleJob, StorageFault, StorageUnavailable
from tests.unit.jobs.stage import GUILD, JOB, MEMBER, START, VIDEO, Stage


def troubled(monkeypatch: pytest.MonkeyPatch, *troubles: Exception, written: bool = False) -> None:
    """Let the next attempts to save raise these; each may be written all the same."""
    left, save = list(troubles), JobStore.save

    async def attempt(self: JobStore, job: Job, *, previous: int) -> None:
        if not left:
            await save(self, job, previous=previous)
            return
        if written:
            await save(self, job, previous=previous)
        raise left.pop(0)

    monkeypatch.setattr(JobStore, "save", attempt)


def unavailable() -> StorageUnavailable:
    return StorageUnavailable("OSError")


def attempts(stage: Stage) -> int:
    """Return how many of the member's requests of the last hour came to nothing."""
    return stage.quotas.status(GUILD, MEMBER, [], stage.clock.now()).attempts


async def test_a_job_is_found_while_it_is_open(stage: Stage) -> None:
    jobs = stage.context.jobs
    assert (jobs.get(JOB), JOB in jobs, list(jobs)) == (None, False, [])
    job = await stage.put(State.QUEUED, request_id="r")
    assert (jobs.get(JOB), jobs[JOB], JOB in jobs, list(jobs)) == (job, job, True, [job])
    jobs.drop(JOB)
    jobs.drop(JOB)
    assert (jobs.get(JOB), JOB in jobs, list(jobs)) == (None, False, [])


async def test_a_change_counts_once_it_is_saved(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await stage.put(State.QUEUED, request_id="r")
    troubled(monkeypatch, StorageFault("DataError"))
    with pytest.raises(StorageFault):
        await stage.context.jobs.transition(JOB, State.FAILED, reason=Reason.FAILED)
    assert stage.context.jobs[JOB] == before
    assert stage.used() == (1, 1)
    after = await stage.context.jobs.transition(JOB, State.FAILED, reason=Reason.FAILED)
    assert stage.context.jobs[JOB] == after == await stage.stored()
    assert after.revision == before.revision + 1
    assert stage.used() == (0, 0)


async def test_each_change_of_state_is_one_line_once_it_is_saved(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.put(State.QUEUED, request_id="r")
    jobs = stage.context.jobs
    caplog.set_level(logging.INFO, logger="bot")
    troubled(monkeypatch, StorageFault("DataError"))
    with pytest.raises(StorageFault):
        await jobs.transition(JOB, State.PROCESSING)
    caplog.clear()
    await jobs.transition(JOB, State.PROCESSING)
    await jobs.update(JOB, lambda job: replace(job, acknowledged=True))
    await jobs.transition(JOB, State.SUCCEEDED)
    await jobs.transition(JOB, State.SUCCEEDED, results=VIDEO)  # its link: not another state
    assert caplog.messages == [f"Job {JOB}: queued -> processing", f"Job {JOB}: processing -> succeeded"]
    assert [record.levelno for record in caplog.records] == [logging.INFO, logging.INFO]


async def test_the_line_of_a_failure_says_why_and_has_the_report_code(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.put(State.PROCESSING, request_id="r")
    caplog.set_level(logging.INFO, logger="bot")
    job = await stage.context.jobs.transition(JOB, State.FAILED, reason=Reason.FAILED, detail="TaskTimeout")
    [line] = caplog.messages
    assert line == f"Job {JOB}: processing -> failed (failed, 'TaskTimeout'), report code {job.report_code}"


async def test_a_storage_in_trouble_is_waited_for_with_growing_pauses(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.put(State.QUEUED, request_id="r")
    troubled(monkeypatch, *[unavailable() for _ in range(6)])
    with caplog.at_level(logging.ERROR):
        job = await stage.context.jobs.transition(JOB, State.SUCCEEDED, results=VIDEO)
    assert stage.clock.waits == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert job == await stage.stored()
    assert [record.getMessage() for record in caplog.records] == [
        f"Job {JOB}: not saved, trying again in {pause} s (OSError)" for pause in (1, 2, 4, 8, 10, 10)
    ]


async def test_a_change_that_was_written_although_its_answer_was_lost_is_taken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.put(State.QUEUED, request_id="r")
    troubled(monkeypatch, unavailable(), written=True)
    stage.clock.advance(timedelta(seconds=5))
    job = await stage.context.jobs.transition(JOB, State.PROCESSING)
    assert job == stage.context.jobs[JOB] == await stage.stored()
    assert job.state_since == START + timedelta(seconds=5)
    assert stage.clock.waits == [1.0]


@pytest.mark.parametrize(
    "theirs",
    [
        lambda job: replace(job, revision=job.revision + 2, state=State.PROCESSING, state_since=START),
        lambda job: replace(job, revision=job.revision + 1, state=State.CANCELLED, state_since=START),
        lambda job: replace(
            job, revision=job.revision + 1, state=State.PROCESSING, state_since=START - timedelta(seconds=1)
        ),
    ],
    ids=["revision", "state", "since"],
)
async def test_a_job_that_somebody_else_changed_is_not_overwritten(
    theirs: Callable[[Job], Job], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await stage.put(State.QUEUED, request_id="r")
    await stage.storage.jobs.save(theirs(before), previous=before.revision)
    troubled(monkeypatch, unavailable())
    with pytest.raises(StaleJob):
        await stage.context.jobs.transition(JOB, State.PROCESSING)
    assert await stage.stored() == theirs(before)
    assert stage.context.jobs[JOB] == before


async def test_a_first_attempt_at_a_job_that_somebody_else_changed_is_no_lost_answer(stage: Stage) -> None:
    before = await stage.put(State.QUEUED, request_id="r")
    same = replace(before, revision=before.revision + 1, state=State.PROCESSING, state_since=START)
    await stage.storage.jobs.save(same, previous=before.revision)
    with pytest.raises(StaleJob):
        await stage.context.jobs.transition(JOB, State.PROCESSING)


async def test_a_job_that_is_gone_from_storage_was_not_saved(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await stage.put()
    await stage.storage.jobs.remove_unsent(job)
    troubled(monkeypatch, unavailable())
    with pytest.raises(StaleJob):
        await stage.context.jobs.transition(JOB, State.QUEUED, request_id="r")


async def test_what_cannot_be_saved_now_or_later_is_logged_and_raised(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.put(State.QUEUED, request_id="r")
    troubled(monkeypatch, StorageFault("DataError"))
    with caplog.at_level(logging.ERROR), pytest.raises(StorageFault):
        await stage.context.jobs.transition(JOB, State.PROCESSING)
    assert f"Job {JOB}: cannot be saved as it is (DataError)" in caplog.text
    assert stage.clock.waits == []


async def test_a_condition_is_looked_at_when_it_comes_to_it(stage: Stage) -> None:
    await stage.put(State.QUEUED, request_id="r")
    in_line = [
        stage.context.jobs.transition(
            JOB, state, only_if=lambda job: job.state is State.QUEUED, reason=Reason.FAILED
        )
        for state in (State.PROCESSING, State.FAILED)
    ]
    first, second = await asyncio.gather(*in_line, return_exceptions=True)
    assert isinstance(first, Job)
    assert isinstance(second, IllegalTransition)
    assert str(second) == "processing: the condition does not hold"
    assert (await stage.stored()).state is State.PROCESSING


async def test_a_change_of_a_job_that_stays_in_its_state_is_a_new_revision(stage: Stage) -> None:
    before = await stage.put(State.QUEUED, request_id="r")
    after = await stage.context.jobs.update(JOB, lambda job: replace(job, acknowledged=True))
    assert after == replace(before, acknowledged=True, revision=before.revision + 1) == await stage.stored()
    with pytest.raises(IllegalTransition):
        await stage.context.jobs.update(
            JOB, lambda job: replace(job, acknowledged=False), only_if=lambda _: False
        )
    assert await stage.stored() == after


async def test_what_gmi_got_and_nothing_came_of_is_an_attempt_until_something_does(stage: Stage) -> None:
    await stage.put()
    await stage.context.jobs.transition(JOB, State.UNCONFIRMED, reason=Reason.UNCLEAR)
    assert (attempts(stage), stage.used()) == (1, (0, 0))
    await stage.context.jobs.transition(JOB, State.PROCESSING, request_id="r")
    assert attempts(stage) == 0
    await stage.context.jobs.transition(JOB, State.FAILED, reason=Reason.POLICY)
    assert attempts(stage) == 1


async def test_an_attempt_counts_from_when_it_was_asked_for(stage: Stage) -> None:
    await stage.put(State.QUEUED, request_id="r")
    stage.clock.advance(timedelta(minutes=50))
    await stage.context.jobs.transition(JOB, State.FAILED, reason=Reason.POLICY)
    assert attempts(stage) == 1
    stage.clock.advance(timedelta(minutes=10))
    assert attempts(stage) == 0


async def test_what_was_settled_stays_settled(stage: Stage) -> None:
    await stage.put(State.QUEUED, request_id="r")
    job = await stage.context.jobs.transition(JOB, State.SUCCEEDED, results=VIDEO)
    assert (job.charge, stage.used()) == (Charge.SETTLED, (1, 0))
    job = await stage.context.jobs.transition(JOB, State.DELIVERED)
    assert (job.charge, stage.used()) == (Charge.SETTLED, (1, 0))


async def test_a_job_that_never_began_is_withdrawn_once_storage_is_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = await stage.put()
    remove, left = JobStore.remove_unsent, [1, 1]

    async def refuse(self: JobStore, job: Job) -> None:
        if left:
            left.pop()
            raise unavailable()
        await remove(self, job)

    monkeypatch.setattr(JobStore, "remove_unsent", refuse)
    await stage.context.jobs.withdraw(job)
    assert stage.clock.waits == [1.0, 2.0]
    assert caplog.text.count(f"Job {JOB}: not saved, trying again") == 2
    assert await stage.storage.jobs.get(JOB) is None

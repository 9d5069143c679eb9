"""Jobs that a list serves only in part: nothing is asked more often than it needs, and nothing is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from bot.models.jobs import Job
from bot.models.requests import MODEL
from bot.models.states import State
from bot.polling.schedule.due import DueRequests
from bot.polling.tracked import TrackedRequest
from fakes.gmi import script
from fakes.gmi.cloud import Timing
from fakes.gmi.script import Outcome
from tests.unit.polling.rig import Rig, name, rigged, unlist

QUEUED, PROCESSING, SUCCEEDED, FAILED = State.QUEUED, State.PROCESSING, State.SUCCEEDED, State.FAILED
LONG = Timing(queued=2, processing=600)
IN_LINE = Timing(queued=10_000, processing=600)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        for _ in range(50):
            rig.estimator.learn(MODEL, 5, 600)
        yield rig


async def submit(rig: Rig, timing: Timing, outcome: Outcome = script.SUCCESS, deadline: float = 1e6) -> Job:
    rig.cloud.timing = timing
    rig.cloud.outcome(outcome)
    return await rig.submit(deadline)


async def test_what_a_list_shows_unchanged_is_not_scheduled_anew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled: list[int] = []
    schedule = DueRequests.schedule

    def counted(self: DueRequests, request: TrackedRequest, now: datetime, at_least: float) -> None:
        scheduled.append(request.job.id)
        schedule(self, request, now, at_least)

    jobs = [await submit(rig, IN_LINE), await submit(rig, IN_LINE), await submit(rig, LONG)]
    await rig.advance(5)
    monkeypatch.setattr(DueRequests, "schedule", counted)
    await rig.advance(60)
    assert scheduled == []
    assert [rig.states(job) for job in jobs] == [[], [], [PROCESSING]]


async def test_a_job_that_the_list_lacks_is_asked_about_as_often_as_it_needs(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = await submit(rig, LONG)
    await submit(rig, IN_LINE)
    await submit(rig, IN_LINE)
    await rig.advance(10)
    unlist(monkeypatch, rig, missing)
    before = rig.seen
    await rig.advance(100)
    asked = rig.asked(before)
    assert asked["requests"] >= 15  # for those in line
    assert 3 <= asked[name(missing)] <= 5


async def test_no_list_is_asked_for_that_serves_nobody(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    without_link = await submit(rig, Timing(queued=2, processing=2), script.WITHOUT_LINK)
    missing = await submit(rig, IN_LINE)
    unlist(monkeypatch, rig, missing)
    await rig.advance(20)
    before = rig.seen
    await rig.advance(60)
    asked = rig.asked(before)
    assert asked["requests"] <= 1
    assert asked[name(without_link)] > 3
    assert asked[name(missing)] > 10


async def test_a_list_may_tell_the_end_of_a_job_that_is_asked_about_alone(rig: Rig) -> None:
    job = await submit(rig, Timing(queued=2, processing=2), script.WITHOUT_LINK)
    await submit(rig, IN_LINE)
    await submit(rig, IN_LINE)
    await rig.advance(10)
    assert rig.states(job)[-1] is SUCCEEDED
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    rig.cloud.requests[name(job)].outcome = script.failed("TaskTimeout")
    await rig.advance(20)
    assert rig.states(job)[-1] is FAILED
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.detail == "TaskTimeout"


async def test_a_failure_without_a_reason_is_asked_about_as_often_as_before(rig: Rig) -> None:
    outcome = Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False)
    job = await submit(rig, Timing(queued=2, processing=20), outcome, deadline=100)
    await submit(rig, IN_LINE)
    await submit(rig, IN_LINE)
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    await rig.advance(99)
    assert rig.states(job) == [PROCESSING]
    assert rig.asked()["requests"] > 15
    assert 2 <= rig.asked()[name(job)] <= 5
    await rig.advance(1)
    assert rig.states(job) == [PROCESSING, FAILED]


async def test_a_word_that_nobody_knows_is_no_failure_at_the_deadline(rig: Rig) -> None:
    job, other = await submit(rig, LONG, deadline=60), await submit(rig, IN_LINE)
    records = [
        {"request_id": name(job), "status": "who knows"},
        {"request_id": name(other), "status": "queued"},
    ]
    rig.cloud.fault("GET", "/requests", script.answer(200, {"requests": records}).repeated(None))
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    await rig.advance(61)
    [update] = rig.updates
    assert (update.job_id, update.status) == (job.id, None)


async def test_a_late_job_is_still_served_by_the_list(rig: Rig) -> None:
    job, _ = await submit(rig, LONG, deadline=30), await submit(rig, IN_LINE)
    await rig.advance(31)
    assert rig.states(job) == [PROCESSING, None]
    before = rig.seen
    await rig.advance(60)
    assert set(rig.asked(before)) == {"requests"}
    assert rig.states(job) == [PROCESSING, None]

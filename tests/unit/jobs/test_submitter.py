"""The one POST: its pauses, its deadline, and what each answer to it means."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.jobs.cancellation import CancelResult
from bot.jobs.submission.submitter import PARALLEL_SUBMITS
from bot.models.jobs import Charge
from bot.models.states import Reason, State
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from tests.unit.jobs.stage import DEADLINE, JOB, MEMBER, START, Stage

ENDS = START + DEADLINE


def posts(gmi: GmiCloud) -> int:
    return len([seen for seen in gmi.requests_seen if seen.method == "POST"])


async def test_an_accepted_job_is_queued_and_polled_by_its_id(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    job = await stage.stored()
    assert (job.state, job.request_id, job.waiting_until) == (State.QUEUED, gmi.posts[0].request_id, None)
    assert stage.poller.followed == {JOB: (job.request_id, ENDS)}
    assert (posts(gmi), gmi.paid) == (1, 1)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (script.BAD_KEY, Reason.KEY),
        (script.NO_CREDIT, Reason.CREDIT),
        (script.POLICY, Reason.POLICY),
        (script.BACKEND_400, Reason.PARAMETER),
    ],
)
async def test_a_refusal_ends_the_job_and_gives_the_quota_back(
    fault: script.Fault, reason: Reason, stage: Stage, gmi: GmiCloud
) -> None:
    gmi.fault("POST", "/requests", fault)
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.reason, job.charge) == (State.REFUSED, reason, Charge.REFUNDED)
    assert (posts(gmi), stage.used()) == (1, (0, 0))
    assert stage.poller.followed == {}


async def test_a_refusal_keeps_the_providers_own_code_of_it(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault("POST", "/requests", script.answer(422, {"error": "PageSizeOutOfRange"}))
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    assert (await stage.stored()).detail == "PageSizeOutOfRange"


@pytest.mark.parametrize(
    "fault", [script.RESET_AFTER, script.RESET_BEFORE, script.PROXY_503, script.NONSENSE]
)
async def test_a_post_whose_answer_is_lost_is_looked_for_and_never_sent_again(
    fault: script.Fault, stage: Stage, gmi: GmiCloud
) -> None:
    gmi.fault("POST", "/requests", fault)
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    job = await stage.stored()
    assert (job.state, job.request_id, job.waiting_until) == (State.SUBMITTING, None, None)
    assert stage.poller.followed == {JOB: (None, stage.clock.now() + timedelta(minutes=1))}
    assert (posts(gmi), stage.used()) == (1, (1, 1))
    # Neither this process nor the next one sends it a second time.
    stage.recovery.resume(job)
    await stage.settle()
    assert posts(gmi) == 1


async def test_a_rate_limit_is_waited_out_with_jitter_that_only_adds(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault("POST", "/requests", script.rate_limited(30_000))
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    await stage.settle()
    [paused] = stage.clock.waits
    assert 30.0 <= paused <= 37.5
    assert (posts(gmi), gmi.paid) == (2, 1)
    assert (await stage.stored()).state is State.QUEUED
    shown = [(job.waiting_until is not None, job.reason) for job in stage.delivery.shown]
    assert (True, Reason.RATE) in shown


async def test_without_a_time_from_gmi_each_pause_is_twice_the_last_one(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault("POST", "/requests", script.CAPACITY.repeated(3))
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    for pause, least in zip(stage.clock.waits, (5, 10, 20), strict=True):
        assert least <= pause <= least * 1.25
    assert gmi.paid == 1


async def test_a_pause_that_would_end_after_the_deadline_ends_the_job(stage: Stage, gmi: GmiCloud) -> None:
    gmi.fault("POST", "/requests", script.rate_limited(60_000))
    await stage.put(waiting_until=START)
    stage.clock.advance(DEADLINE - timedelta(seconds=59))
    await stage.submitter.send(JOB)
    job = await stage.stored()
    assert (job.state, job.reason, posts(gmi)) == (State.REFUSED, Reason.RATE, 1)


@pytest.mark.parametrize(
    ("late", "reason", "state", "why"),
    [
        (timedelta(), None, State.QUEUED, None),
        (timedelta(microseconds=1), None, State.REFUSED, Reason.NOT_SENT),
        (timedelta(microseconds=1), Reason.CAPACITY, State.REFUSED, Reason.CAPACITY),
    ],
)
async def test_nothing_is_sent_after_the_deadline(
    late: timedelta, reason: Reason | None, state: State, why: Reason | None, stage: Stage, gmi: GmiCloud
) -> None:
    await stage.put(waiting_until=START, reason=reason)
    stage.clock.advance(DEADLINE + late)
    await stage.submitter.send(JOB)
    job = await stage.stored()
    assert (job.state, job.reason) == (state, why)
    assert posts(gmi) == int(state is State.QUEUED)


@pytest.mark.parametrize("seconds", [20.0, 0.5])
async def test_a_job_is_not_sent_before_its_time(seconds: float, stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START + timedelta(seconds=seconds))
    await stage.submitter.send(JOB)
    assert stage.clock.waits == [seconds]
    assert gmi.posts[0].request_id == (await stage.stored()).request_id


async def test_a_job_that_was_cancelled_while_it_waited_is_not_sent(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START)
    await stage.cancellation.cancel(JOB, MEMBER)
    await stage.settle()
    await stage.submitter.send(JOB)
    assert posts(gmi) == 0


async def test_a_job_that_is_cancelled_at_the_moment_of_its_turn_is_not_sent(
    stage: Stage, gmi: GmiCloud
) -> None:
    await stage.put(waiting_until=START)
    cancelling = asyncio.create_task(stage.cancellation.cancel(JOB, MEMBER))
    await asyncio.sleep(0)  # its change is on its way to storage
    await stage.submitter.send(JOB)
    assert await cancelling is CancelResult.YES
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.reason, posts(gmi), stage.used()) == (
        State.CANCELLED,
        Reason.CANCELLED,
        0,
        (0, 0),
    )


async def test_a_stopping_bot_begins_nothing(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START)
    stage.submitter.close()
    await stage.submitter.send(JOB)
    job = await stage.stored()
    assert (job.state, job.waiting_until, posts(gmi)) == (State.SUBMITTING, START, 0)


async def test_it_is_stored_that_a_job_may_have_been_sent_before_it_is(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START, reason=Reason.RATE)
    gmi.fault("POST", "/requests", script.SILENCE)
    sending = asyncio.create_task(stage.submitter.send(JOB))
    while not posts(gmi):
        await stage.stored()
    job = await stage.stored()
    assert (job.state, job.waiting_until, job.reason) == (State.SUBMITTING, None, None)
    await stage.settle()
    assert [(shown.state, shown.reason) for shown in stage.delivery.shown] == [(State.SUBMITTING, None)]
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_while_all_places_are_taken_a_waiting_job_names_no_time(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START, reason=Reason.RATE)
    for _ in range(PARALLEL_SUBMITS):
        assert stage.submitter.take_place()
    assert not stage.submitter.take_place()
    sending = asyncio.create_task(stage.submitter.send(JOB))
    while (job := await stage.stored()).reason is not None:
        pass
    assert (job.waiting_until, posts(gmi)) == (START, 0)  # still certainly not sent
    stage.submitter.leave_place()
    await sending
    await stage.settle()
    assert posts(gmi) == 1
    first = stage.delivery.shown[0]
    assert (first.state, first.reason) == (State.SUBMITTING, None)


async def test_a_waiting_job_that_names_no_time_is_not_written_again(stage: Stage, gmi: GmiCloud) -> None:
    before = await stage.put(waiting_until=START)
    for _ in range(PARALLEL_SUBMITS):
        assert stage.submitter.take_place()
    sending = asyncio.create_task(stage.submitter.send(JOB))
    for _ in range(3):
        assert await stage.stored() == before
    stage.submitter.leave_place()
    await sending
    await stage.settle()
    assert [shown.state for shown in stage.delivery.shown] == [State.QUEUED]


async def test_a_job_that_is_cancelled_while_all_places_are_taken_says_so(
    stage: Stage, gmi: GmiCloud
) -> None:
    await stage.put(waiting_until=START, reason=Reason.RATE)
    for _ in range(PARALLEL_SUBMITS):
        assert stage.submitter.take_place()
    cancelling = asyncio.create_task(stage.cancellation.cancel(JOB, MEMBER))
    await asyncio.sleep(0)  # its change is on its way to storage
    sending = asyncio.create_task(stage.submitter.send(JOB))
    await cancelling
    stage.submitter.leave_place()
    await sending
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.reason, posts(gmi)) == (State.CANCELLED, Reason.CANCELLED, 0)


async def test_an_accepted_job_that_is_finished_at_once_is_delivered(stage: Stage, gmi: GmiCloud) -> None:
    gmi.outcome(Outcome(synchronous=True))
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    await stage.settle()
    assert (await stage.stored()).state is State.DELIVERED
    assert JOB not in stage.context.jobs

"""What comes of the wish to cancel: the truth, and never a paid video that is destroyed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.jobs.cancellation import CancelResult
from bot.jobs.deletion import DeleteResult
from bot.models.jobs import Charge
from bot.models.shards import share_of
from bot.models.states import Reason, State
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from tests.unit.jobs.stage import JOB, MEMBER, START, VIDEO, Stage, new_job


def deletions(gmi: GmiCloud) -> int:
    return len([seen for seen in gmi.requests_seen if seen.method == "DELETE"])


async def test_what_waits_to_be_sent_is_cancelled_and_given_back(stage: Stage, gmi: GmiCloud) -> None:
    await stage.put(waiting_until=START)
    assert await stage.cancellation.cancel(JOB, MEMBER) is CancelResult.YES
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.reason, job.charge) == (State.CANCELLED, Reason.CANCELLED, Charge.REFUNDED)
    assert job.cancelled_by == MEMBER
    assert [shown.state for shown in stage.delivery.shown] == [State.CANCELLED]
    assert (stage.used(), gmi.requests_seen) == ((0, 0), [])


@pytest.mark.parametrize(
    ("state", "fields", "result"),
    [
        (State.SUBMITTING, {}, CancelResult.SENDING),
        (State.UNCONFIRMED, {}, CancelResult.SENDING),
        (State.SUCCEEDED, {"request_id": "r"}, CancelResult.TOO_LATE),
        (State.SUCCEEDED, {"request_id": "r", "results": VIDEO}, CancelResult.TOO_LATE),
        (State.DELIVERED, {"request_id": "r", "results": VIDEO}, CancelResult.ENDED),
        (State.FAILED, {"request_id": "r"}, CancelResult.ENDED),
    ],
)
async def test_what_cannot_be_cancelled_is_left_alone(
    state: State, fields: dict[str, Any], result: CancelResult, stage: Stage, gmi: GmiCloud
) -> None:
    job = await stage.put(state, **fields)
    assert await stage.cancellation.cancel(JOB, MEMBER) is result
    assert await stage.stored() == job
    assert gmi.requests_seen == []


async def test_a_job_that_nobody_knows_has_ended(stage: Stage) -> None:
    assert await stage.cancellation.cancel(1, MEMBER) is CancelResult.ENDED


async def sent(stage: Stage, gmi: GmiCloud, outcome: Outcome) -> None:
    gmi.outcome(outcome)
    await stage.put(waiting_until=START)
    await stage.submitter.send(JOB)
    await stage.settle()


async def test_what_is_in_line_is_cancelled(stage: Stage, gmi: GmiCloud) -> None:
    await sent(stage, gmi, Outcome(stuck=True))
    assert await stage.cancellation.cancel(JOB, MEMBER) is CancelResult.YES
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.charge, deletions(gmi)) == (State.CANCELLED, Charge.REFUNDED, 1)
    assert job.cancelled_by == MEMBER
    assert stage.poller.followed == {}


async def test_two_who_cancel_at_once_are_both_told_that_it_worked(stage: Stage, gmi: GmiCloud) -> None:
    await sent(stage, gmi, Outcome(stuck=True))
    both = [stage.cancellation.cancel(JOB, MEMBER) for _ in range(2)]
    assert await asyncio.gather(*both) == [CancelResult.YES, CancelResult.YES]
    await stage.settle()
    assert (await stage.stored()).state is State.CANCELLED


async def test_what_gmi_does_not_let_go_of_is_kept(stage: Stage, gmi: GmiCloud) -> None:
    await sent(stage, gmi, Outcome(stuck=True))
    gmi.fault("DELETE", "/requests/*", script.answer(405, {}))
    assert await stage.cancellation.cancel(JOB, MEMBER) is CancelResult.KEPT
    job = await stage.stored()
    assert (job.state, job.cancelled_by) == (State.QUEUED, None)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_where_gmi_does_not_say_how_it_stands_nobody_knows(
    method: str, stage: Stage, gmi: GmiCloud
) -> None:
    await sent(stage, gmi, Outcome(stuck=True))
    if method == "GET":
        gmi.fault("GET", "/requests/*", script.HTML_PAGE)
    else:
        gmi.fault("DELETE", "/requests/*", script.answer(200, {}))  # agreed, and yet it stays in line
    assert await stage.cancellation.cancel(JOB, MEMBER) is CancelResult.UNSURE
    assert (await stage.stored()).state is State.QUEUED


@pytest.mark.parametrize(
    ("status", "result", "after"),
    [
        ("processing", CancelResult.TOO_LATE, State.PROCESSING),
        ("success", CancelResult.TOO_LATE, State.SUCCEEDED),
        ("failed", CancelResult.ENDED, State.FAILED),
        ("cancelled", CancelResult.YES, State.CANCELLED),
        ("who knows", CancelResult.UNSURE, State.QUEUED),
    ],
)
async def test_what_gmi_says_before_anything_is_deleted_is_taken(
    status: str, result: CancelResult, after: State, stage: Stage, gmi: GmiCloud
) -> None:
    await sent(stage, gmi, Outcome(stuck=True))
    request_id = gmi.posts[0].request_id
    gmi.fault("GET", "/requests/*", script.answer(200, {"request_id": request_id, "status": status}))
    assert await stage.cancellation.cancel(JOB, MEMBER) is result
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.cancelled_by, deletions(gmi)) == (after, None, 0)


async def test_what_another_process_works_on_is_left_alone_and_that_is_said(stage: Stage) -> None:
    stage.context.slot.share = share_of(0, 2, 2)
    job = replace(new_job(), shard=1, state=State.QUEUED, request_id="r")
    await stage.storage.jobs.add(job)
    assert await stage.cancellation.cancel(JOB, MEMBER) is CancelResult.ELSEWHERE
    assert await stage.deletion.delete(JOB) is DeleteResult.RUNNING
    await stage.deletion.renew_token(job, "another-token", START)
    await stage.recovery.load()
    assert JOB not in stage.context.jobs
    assert await stage.stored() == job

    # One that has ended is nobody's: whoever deletes it takes that to its end.
    ended = replace(job, state=State.FAILED, acknowledged=True, revision=1)
    await stage.storage.jobs.save(ended, previous=0)
    assert await stage.cancellation.cancel(JOB, MEMBER) is CancelResult.ENDED
    assert await stage.deletion.delete(JOB) is not DeleteResult.RUNNING
    deleted = await stage.stored()
    assert deleted.deleted_at is not None
    assert deleted.shard == 0

"""Rows are erased, jobs in memory are left alone: the two never disagree."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.jobs.deletion import DeleteResult
from bot.jobs.erasure import JobErasure
from bot.models.jobs import Charge, erased
from bot.models.states import State
from tests.unit.jobs.stage import JOB, START, VIDEO, Stage

HOUR = timedelta(hours=1)
DONE: dict[str, Any] = {
    "request_id": "r",
    "results": VIDEO,
    "charge": Charge.SETTLED,
    "acknowledged": True,
    "detail": "SomeCode",
    "cancelled_by": 8,
}


async def test_a_row_becomes_what_the_model_says(stage: Stage) -> None:
    job = await stage.put(State.DELIVERED, **DONE)
    stage.context.jobs.drop(JOB)
    assert await JobErasure(stage.context).erase_content([JOB]) == 1
    assert await stage.stored() == replace(erased(job, START), revision=job.revision + 1)
    assert await JobErasure(stage.context).erase_content([JOB]) == 0


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        (State.PROCESSING, {}),
        (State.SUCCEEDED, {}),
        (State.OVERDUE, {}),
        (State.UNCONFIRMED, {}),
        (State.DELIVERED, {"acknowledged": False}),
        (State.DELIVERED, {"refetch_until": START + HOUR}),
        (State.DELIVERED, {"deleted_at": START}),
    ],
)
async def test_what_is_not_done_is_left_alone(state: State, changed: dict[str, Any], stage: Stage) -> None:
    job = await stage.put(state, **(DONE | changed))
    stage.context.jobs.drop(JOB)
    assert await JobErasure(stage.context).erase_content([JOB]) == 0
    assert await stage.stored() == job


async def test_a_job_in_memory_is_left_alone(stage: Stage) -> None:
    job = await stage.put(State.DELIVERED, **DONE)
    assert not JobErasure(stage.context).idle
    assert await JobErasure(stage.context).erase_content([JOB]) == 0
    assert await stage.stored() == job
    await stage.context.jobs.update(JOB, lambda latest: replace(latest, detail="another"))  # nothing is stale


async def test_delete_and_erasure_at_the_same_moment_both_succeed(stage: Stage) -> None:
    await stage.put(State.DELIVERED, **DONE)
    stage.context.jobs.drop(JOB)
    erasure = JobErasure(stage.context)
    results = await asyncio.gather(
        erasure.erase_content([JOB]), stage.deletion.delete(JOB), erasure.erase_content([JOB])
    )
    assert results[1] is DeleteResult.YES
    assert (await stage.stored()).request.prompt == ""
    assert JOB not in stage.context.jobs


async def test_dead_tokens_go_from_rows_and_from_memory(stage: Stage) -> None:
    await stage.put(State.OVERDUE, request_id="r")
    erasure = JobErasure(stage.context)
    assert await erasure.erase_tokens([JOB]) == 0  # it still lives
    stage.clock.advance(HOUR)
    assert await erasure.erase_tokens([JOB]) == 1
    assert stage.context.jobs[JOB].location.token is None
    assert await stage.stored() == stage.context.jobs[JOB]
    assert await erasure.erase_tokens([JOB]) == 0


async def test_a_token_that_a_click_has_renewed_stays(stage: Stage) -> None:
    job = await stage.put(State.DELIVERED, **DONE)
    stage.context.jobs.drop(JOB)
    stage.clock.advance(HOUR)
    now = stage.clock.now()
    found = await stage.storage.retention.jobs_with_dead_tokens(now, (0, 0))
    await stage.deletion.renew_token(job, "fake-fresh-token", now + HOUR)
    assert [job_id for _, job_id in found] == [JOB]
    assert await JobErasure(stage.context).erase_tokens([JOB]) == 0
    assert (await stage.stored()).location.token == "fake-fresh-token"

"""What is deleted: what is stored first, then the card, however often the process or Discord fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.jobs.deletion import DeleteResult
from bot.models.jobs import Charge
from bot.models.states import Reason, State
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageFault
from tests.unit.jobs.stage import JOB, START, VIDEO, Stage, undeliverable

DAY = timedelta(days=1)
OPEN = [
    (State.SUBMITTING, {}),
    (State.QUEUED, {"request_id": "r"}),
    (State.PROCESSING, {"request_id": "r"}),
    (State.SUCCEEDED, {"request_id": "r", "results": VIDEO}),
    (State.OVERDUE, {"request_id": "r"}),
    (State.UNCONFIRMED, {}),
]


async def put_delivered(stage: Stage, **fields: Any) -> None:
    """Store a job that has ended, and that is no longer in memory unless something is left to do."""
    job = await stage.put(
        State.DELIVERED, request_id="r", results=VIDEO, charge=Charge.SETTLED, acknowledged=True, **fields
    )
    if job.refetch_until is None:
        stage.context.jobs.drop(JOB)


async def test_what_quotas_and_the_search_for_lost_requests_need_stays(stage: Stage) -> None:
    await put_delivered(stage)
    before = await stage.stored()
    assert await stage.deletion.delete(JOB) is DeleteResult.YES
    after = await stage.stored()
    assert (after.request.prompt, after.request.references, after.results) == ("", (), ())
    assert (after.request.seed, after.request.duration) == (before.request.seed, before.request.duration)
    assert (after.state, after.charge, after.request_id) == (State.DELIVERED, Charge.SETTLED, "r")
    assert (after.location.message_id, after.location.token) == (None, None)
    assert (after.deleted_at, after.acknowledged) == (START, True)
    assert [removed.location.token for removed in stage.delivery.removed] == [before.location.token]
    assert JOB not in stage.context.jobs
    assert stage.used() == (1, 0)


@pytest.mark.parametrize(("state", "fields"), OPEN)
async def test_a_job_of_which_something_may_still_come_is_not_deleted(
    state: State, fields: dict[str, Any], stage: Stage
) -> None:
    job = await stage.put(state, **fields)
    assert await stage.deletion.delete(JOB) is DeleteResult.RUNNING
    assert await stage.stored() == job
    assert not stage.notifier.card(JOB).deleted
    assert stage.delivery.removed == []


async def test_a_job_that_nobody_knows_is_not_deleted(stage: Stage) -> None:
    assert await stage.deletion.delete(1) is DeleteResult.RUNNING


async def test_two_who_delete_at_once_both_read_that_it_is_deleted(stage: Stage) -> None:
    await put_delivered(stage)
    both = await asyncio.gather(stage.deletion.delete(JOB), stage.deletion.delete(JOB))
    assert list(both) == [DeleteResult.YES, DeleteResult.YES]
    assert (await stage.stored()).acknowledged


@pytest.mark.parametrize("failure", [undeliverable(), RuntimeError("a bug")])
async def test_a_card_that_discord_does_not_remove_is_tried_again(failure: Exception, stage: Stage) -> None:
    await put_delivered(stage)
    stage.delivery.failures += [failure] * 3
    assert await stage.deletion.delete(JOB) is DeleteResult.CARD_STAYS
    assert (await stage.stored()).request.prompt == ""
    await stage.settle()
    assert stage.clock.waits == [5.0, 10.0]
    assert len(stage.delivery.removed) == 1
    assert JOB not in stage.context.jobs


async def test_a_card_that_cannot_be_removed_is_given_up_after_a_day(stage: Stage) -> None:
    await put_delivered(stage)
    stage.delivery.failures += [undeliverable() for _ in range(1000)]
    await stage.deletion.delete(JOB)
    await stage.settle()
    assert DAY <= stage.clock.now() - START < DAY + timedelta(seconds=301)
    assert (await stage.stored()).acknowledged


async def test_a_card_that_nothing_reaches_is_not_tried_again(stage: Stage) -> None:
    await put_delivered(stage)
    stage.delivery.out_of_reach = True
    assert await stage.deletion.delete(JOB) is DeleteResult.OUT_OF_REACH
    await stage.settle()
    assert (len(stage.delivery.removed), JOB in stage.context.jobs) == (1, False)
    assert (await stage.stored()).acknowledged


async def test_a_restart_removes_the_card_of_what_was_deleted(stage: Stage) -> None:
    await stage.put(State.DELIVERED, request_id="r", deleted_at=START, charge=Charge.SETTLED)
    await stage.recovery.load()
    stage.recovery.resume_all()
    await stage.settle()
    assert [removed.id for removed in stage.delivery.removed] == [JOB]
    assert (stage.delivery.shown, stage.delivery.notified) == ([], [])
    assert await stage.storage.jobs.unfinished() == []


async def test_a_final_card_of_what_was_deleted_is_not_shown(stage: Stage) -> None:
    await stage.put(State.FAILED, reason=Reason.FAILED)
    stage.delivery.failures.append(undeliverable())
    showing = asyncio.create_task(stage.notifier.send_final(JOB))
    await asyncio.sleep(0)
    assert await stage.deletion.delete(JOB) is DeleteResult.YES
    await showing
    assert (stage.delivery.shown, stage.delivery.notified) == ([], [])


async def test_a_deletion_that_cannot_be_saved_leaves_everything_as_it_was(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put_delivered(stage, refetch_until=START + timedelta(hours=1))

    async def refuse(self: JobStore, job: Any, *, previous: int) -> None:
        raise StorageFault("DataError")

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "save", refuse)
        with pytest.raises(StorageFault):
            await stage.deletion.delete(JOB)
    assert not stage.notifier.card(JOB).deleted
    assert (await stage.stored()).results == VIDEO
    assert await stage.deletion.delete(JOB) is DeleteResult.YES


@pytest.mark.parametrize("in_memory", [False, True])
async def test_a_fresh_token_is_stored(in_memory: bool, stage: Stage) -> None:
    await put_delivered(stage, refetch_until=START + DAY if in_memory else None)
    later = START + DAY
    await stage.deletion.renew_token(await stage.stored(), "fresh-fake-token", later)
    job = await stage.stored()
    assert (job.location.token, job.location.token_expires) == ("fresh-fake-token", later)
    if in_memory:
        assert stage.context.jobs[JOB] == job


async def test_a_token_that_somebody_elses_click_has_overtaken_is_left_out(stage: Stage) -> None:
    await put_delivered(stage)
    old = await stage.stored()
    await stage.deletion.renew_token(old, "first-fake-token", START)
    await stage.deletion.renew_token(old, "second-fake-token", START)
    job = await stage.stored()
    assert replace(job, revision=0, location=old.location) == replace(old, revision=0)
    assert job.location.token == "first-fake-token"

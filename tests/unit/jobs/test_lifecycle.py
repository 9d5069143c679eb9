"""What each status of GMI Cloud, and each deadline, does to a job."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from bot.gmi.client import RequestStatus
from bot.models.jobs import Charge
from bot.models.states import Reason, State
from bot.polling.poller import StatusUpdate
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageFault
from tests.unit.jobs.stage import DEADLINE, JOB, START, VIDEO, Stage

ENDS = START + DEADLINE
DAY = timedelta(days=1)


def update(state: State | None, **fields: Any) -> StatusUpdate:
    return StatusUpdate(JOB, RequestStatus("r", state, **fields), START)


DEADLINE_PASSED = StatusUpdate(JOB, None, START)


@pytest.mark.parametrize(
    ("before", "status", "after", "reason", "charge"),
    [
        (State.QUEUED, update(State.PROCESSING), State.PROCESSING, None, Charge.HELD),
        (State.PROCESSING, update(State.QUEUED), State.QUEUED, None, Charge.HELD),
        (State.QUEUED, update(None), State.QUEUED, None, Charge.HELD),
        (State.QUEUED, update(State.QUEUED), State.QUEUED, None, Charge.HELD),
        (State.QUEUED, update(State.SUCCEEDED, results=VIDEO), State.DELIVERED, None, Charge.SETTLED),
        (State.QUEUED, update(State.SUCCEEDED), State.SUCCEEDED, None, Charge.HELD),
        (State.PROCESSING, update(State.FAILED), State.FAILED, Reason.FAILED, Charge.REFUNDED),
        (State.QUEUED, update(State.FAILED, reason=Reason.POLICY), State.FAILED, Reason.POLICY,
         Charge.REFUNDED),
        (State.QUEUED, update(State.CANCELLED, reason=Reason.CANCELLED), State.CANCELLED, Reason.CANCELLED,
         Charge.REFUNDED),
        (State.OVERDUE, update(State.PROCESSING), State.OVERDUE, Reason.DEADLINE, Charge.REFUNDED),
        (State.OVERDUE, update(State.SUCCEEDED, results=VIDEO), State.DELIVERED, None, Charge.REFUNDED),
        (State.SUCCEEDED, update(State.SUCCEEDED, results=VIDEO), State.DELIVERED, None, Charge.SETTLED),
        (State.SUCCEEDED, update(State.SUCCEEDED), State.SUCCEEDED, None, Charge.HELD),
        (State.SUCCEEDED, update(State.FAILED), State.FAILED, Reason.FAILED, Charge.REFUNDED),
        (State.SUCCEEDED, update(State.PROCESSING), State.SUCCEEDED, None, Charge.HELD),
    ],
)  # fmt: skip
async def test_a_status_moves_a_job_along_the_table(
    before: State, status: StatusUpdate, after: State, reason: Reason | None, charge: Charge, stage: Stage
) -> None:
    late = {"reason": Reason.DEADLINE, "charge": Charge.REFUNDED} if before is State.OVERDUE else {}
    await stage.put(before, request_id="r", **late)
    await stage.updates.receive(status)
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.reason, job.charge) == (after, reason, charge)
    assert job.request_id == "r"
    open_now = after in {State.QUEUED, State.PROCESSING, State.SUCCEEDED, State.OVERDUE}
    assert (JOB in stage.context.jobs) is open_now
    assert len(stage.delivery.delivered) == (after is State.DELIVERED)
    if after is State.DELIVERED:
        assert stage.delivery.delivered[0].results == VIDEO
    changed = after is not before and after not in {State.SUCCEEDED, State.DELIVERED}
    assert [shown.state for shown in stage.delivery.shown] == ([after] if changed else [])
    assert job.acknowledged is not open_now
    refunded = charge is Charge.REFUNDED
    held = charge is Charge.HELD
    if before is not State.OVERDUE:
        assert stage.used() == (0 if refunded else 1, int(held))


@pytest.mark.parametrize(
    ("status", "after", "polled"),
    [
        (RequestStatus("r", State.QUEUED), State.QUEUED, ENDS),
        (RequestStatus("r", None), State.QUEUED, ENDS),
        (RequestStatus("r", State.PROCESSING), State.PROCESSING, ENDS),
        (RequestStatus("r", State.FAILED), State.QUEUED, ENDS),  # unexplained until its reason is known
        (RequestStatus("r", State.FAILED, reason=Reason.POLICY), State.FAILED, None),
        (RequestStatus("r", State.CANCELLED, reason=Reason.CANCELLED), State.CANCELLED, None),
        (RequestStatus("r", State.SUCCEEDED), State.SUCCEEDED, START + timedelta(seconds=30)),
        (RequestStatus("r", State.SUCCEEDED, results=VIDEO), State.DELIVERED, None),
    ],
)
@pytest.mark.parametrize("before", [State.SUBMITTING, State.UNCONFIRMED])
async def test_an_accepted_request_is_taken_over_in_whatever_state_it_is(
    before: State, status: RequestStatus, after: State, polled: object, stage: Stage
) -> None:
    await stage.put(before)
    await stage.updates.receive(StatusUpdate(JOB, status, START))
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.request_id) == (after, "r")
    assert stage.poller.followed.get(JOB) == (None if polled is None else ("r", polled))
    unexplained = status.state is State.FAILED and status.reason is None
    assert (stage.poller.unexplained.get(JOB) == status) is unexplained


@pytest.mark.parametrize(
    ("before", "fields", "after", "reason", "polled"),
    [
        (State.SUBMITTING, {}, State.UNCONFIRMED, Reason.UNCLEAR, START + DAY),
        (State.QUEUED, {"request_id": "r"}, State.OVERDUE, Reason.DEADLINE, START + DAY),
        (State.PROCESSING, {"request_id": "r"}, State.OVERDUE, Reason.DEADLINE, START + DAY),
        (State.SUCCEEDED, {"request_id": "r"}, State.SUCCEEDED, Reason.NO_RESULT, ENDS),
        (
            State.SUCCEEDED,
            {"request_id": "r", "reason": Reason.NO_RESULT},
            State.FAILED,
            Reason.NO_RESULT,
            None,
        ),
        (State.OVERDUE, {"request_id": "r", "reason": Reason.DEADLINE}, State.FAILED, Reason.DEADLINE, None),
        (State.UNCONFIRMED, {"reason": Reason.UNCLEAR}, State.FAILED, Reason.UNCLEAR, None),
    ],
)
async def test_a_deadline_moves_a_job_on(
    before: State, fields: dict[str, Any], after: State, reason: Reason, polled: object, stage: Stage
) -> None:
    stage.lifecycle.poll(await stage.put(before, **fields))
    await stage.updates.receive(DEADLINE_PASSED)
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.reason) == (after, reason)
    followed = stage.poller.followed.get(JOB)
    assert (followed[1] if followed else None) == polled
    # Who was shown all along that nothing may come is not shown the end once more.
    quiet = before in {State.OVERDUE, State.UNCONFIRMED}
    assert [shown.state for shown in stage.delivery.shown] == ([] if quiet else [after])
    assert job.acknowledged is (after is not State.SUCCEEDED)
    assert (JOB in stage.context.jobs) is (after is not State.FAILED)
    # A success without a link was billed all the same.
    billed = reason is Reason.NO_RESULT
    assert stage.used()[0] == int(billed)


async def test_the_providers_own_code_of_a_failure_is_kept_and_shown(stage: Stage) -> None:
    await stage.put(State.PROCESSING, request_id="r")
    failed = RequestStatus("r", State.FAILED, reason=Reason.FAILED, detail="TaskTimeout")
    await stage.updates.receive(StatusUpdate(JOB, failed, START))
    await stage.settle()
    assert (await stage.stored()).detail == "TaskTimeout"
    assert [shown.detail for shown in stage.delivery.shown] == ["TaskTimeout"]


async def test_an_update_of_a_job_that_is_no_longer_open_ends_its_polling(stage: Stage) -> None:
    job = await stage.put(State.QUEUED, request_id="r")
    stage.lifecycle.poll(job)
    stage.context.jobs.drop(JOB)
    await stage.updates.receive(update(State.PROCESSING))
    assert stage.poller.followed == {}


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (RequestStatus("r", State.QUEUED), State.QUEUED),
        (RequestStatus("r", None), State.QUEUED),
        (RequestStatus("r", State.PROCESSING), State.PROCESSING),
        (RequestStatus("r", State.SUCCEEDED, results=VIDEO), State.SUCCEEDED),
        (RequestStatus("r", State.FAILED, reason=Reason.POLICY), State.QUEUED),
    ],
)
async def test_an_acceptance_that_storage_refuses_is_polled_by_its_id_and_shown(
    status: RequestStatus, shown: State, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.put()
    stage.clock.advance(timedelta(seconds=3))
    save = JobStore.save

    async def refuse(self: JobStore, job: Any, *, previous: int) -> None:
        if job.request_id is not None:
            raise StorageFault("DataError")
        await save(self, job, previous=previous)

    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "save", refuse)
        await stage.lifecycle.accept(JOB, status)
        await stage.settle()
        stored = await stage.stored()
        assert (stored.state, stored.request_id, stage.used()) == (State.SUBMITTING, None, (1, 1))
        assert stage.poller.followed == {JOB: ("r", ENDS)}
        [card] = stage.delivery.shown
        assert (card.state, card.request_id, card.results) == (shown, "r", status.results)
        assert card.state_since == stage.clock.now()
        assert stage.delivery.delivered == []
    # Every answer is another attempt.
    await stage.updates.receive(StatusUpdate(JOB, status, START))
    await stage.settle()
    assert (await stage.stored()).request_id == "r"
    assert (JOB in stage.poller.followed) is (status.state not in {State.SUCCEEDED, State.FAILED})


@pytest.mark.parametrize(
    ("state", "fields", "after"),
    [
        (State.QUEUED, {"request_id": "r"}, State.QUEUED),
        (State.SUCCEEDED, {"request_id": "r", "results": VIDEO}, State.DELIVERED),
        (State.FAILED, {"reason": Reason.FAILED}, State.FAILED),
        (State.OVERDUE, {"request_id": "r", "reason": Reason.DEADLINE}, State.OVERDUE),
        (State.DELIVERED, {"results": VIDEO}, State.DELIVERED),
    ],
)
async def test_a_job_is_gone_on_with_from_its_state(
    state: State, fields: dict[str, Any], after: State, stage: Stage
) -> None:
    job = await stage.put(state, **fields)
    stage.lifecycle.go_on(job)
    await stage.settle()
    stored = await stage.stored()
    assert stored.state is after
    assert (JOB in stage.poller.followed) is (after in {State.QUEUED, State.OVERDUE})
    assert stored.acknowledged is (after is not State.QUEUED)
    assert len(stage.delivery.shown) == (after in {State.FAILED, State.OVERDUE})
    assert len(stage.delivery.delivered) == (state is State.SUCCEEDED)


async def test_an_update_that_fails_is_logged_and_the_job_asked_about_again_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage.lifecycle.poll(await stage.put(State.QUEUED, request_id="r"))

    async def refuse(self: JobStore, job: Any, *, previous: int) -> None:
        raise StorageFault("DataError")

    async def updates() -> Any:
        yield update(State.PROCESSING)

    monkeypatch.setattr(stage.poller, "updates", updates, raising=False)
    monkeypatch.setattr(JobStore, "save", refuse)
    with caplog.at_level(logging.ERROR):
        await stage.updates.run()
    assert f"Job {JOB}: an update could not be taken" in caplog.text
    assert stage.poller.followed == {}
    await stage.settle()
    assert stage.clock.waits == [30.0]
    assert stage.poller.followed == {JOB: ("r", ENDS)}

"""After a restart every job goes on from what storage says, and nothing is sent twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.delivery.routes import Gone
from bot.gmi.client import GmiCloud as Client
from bot.models.jobs import CardLocation, PendingReply
from bot.models.states import Reason, State
from fakes.gmi.cloud import GmiCloud
from tests.unit.jobs.stage import (
    DEADLINE,
    GUILD,
    JOB,
    START,
    VIDEO,
    QuickClock,
    Stage,
    new_job,
    open_stage,
    undeliverable,
)

ENDS = START + DEADLINE
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "fields", "after", "polled"),
    [
        (State.SUBMITTING, {}, State.SUBMITTING, (None, START + MINUTE)),
        (State.SUBMITTING, {"waiting_until": START}, State.QUEUED, ("req", ENDS)),
        (State.QUEUED, {"request_id": "r"}, State.QUEUED, ("r", ENDS)),
        (State.PROCESSING, {"request_id": "r"}, State.PROCESSING, ("r", ENDS)),
        (State.SUCCEEDED, {"request_id": "r"}, State.SUCCEEDED, ("r", START + timedelta(seconds=30))),
        (State.SUCCEEDED, {"request_id": "r", "results": VIDEO}, State.DELIVERED, None),
        (State.DELIVERED, {"request_id": "r", "results": VIDEO}, State.DELIVERED, None),
        (State.OVERDUE, {"request_id": "r", "reason": Reason.DEADLINE}, State.OVERDUE, ("r", START + DAY)),
        (State.OVERDUE, {"request_id": "r", "reason": Reason.DEADLINE, "acknowledged": True}, State.OVERDUE,
         ("r", START + DAY)),
        (State.UNCONFIRMED, {"reason": Reason.UNCLEAR}, State.UNCONFIRMED, (None, START + DAY)),
        (State.FAILED, {"reason": Reason.FAILED}, State.FAILED, None),
        (State.CANCELLED, {"reason": Reason.CANCELLED}, State.CANCELLED, None),
        (State.REFUSED, {"reason": Reason.POLICY}, State.REFUSED, None),
    ],
)  # fmt: skip
async def test_a_job_of_each_state_is_resumed(
    state: State,
    fields: dict[str, Any],
    after: State,
    polled: tuple[str | None, object] | None,
    database_url: str,
    gmi: GmiCloud,
    quick: QuickClock,
) -> None:
    async with open_stage(database_url, gmi, quick) as earlier:
        await earlier.storage.jobs.add(replace(new_job(), state=state, **fields))
    async with open_stage(database_url, gmi, quick) as stage:
        await stage.recovery.load()
        assert JOB in stage.context.jobs
        stage.recovery.resume_all()
        await stage.settle()
        job = await stage.stored()
        assert job.state is after
        followed = stage.poller.followed.get(JOB)
        if polled == ("req", ENDS):
            polled = (gmi.posts[0].request_id, ENDS)
        assert followed == polled
        assert gmi.paid == int(state is State.SUBMITTING and "waiting_until" in fields)
        assert len(stage.delivery.delivered) == int(state is State.SUCCEEDED and bool(fields.get("results")))
        ended = after in {State.FAILED, State.CANCELLED, State.REFUSED, State.DELIVERED}
        assert (JOB in stage.context.jobs) is not ended
        final = {State.FAILED, State.CANCELLED, State.REFUSED, State.OVERDUE, State.UNCONFIRMED}
        was_seen = fields.get("acknowledged", False)
        assert [shown.state for shown in stage.delivery.shown if shown.state in final] == (
            [after] if after in final and not was_seen else []
        )
        assert job.acknowledged is (after in final or ended)
        # What was read is gone on with once.
        stage.delivery.shown.clear()
        stage.recovery.resume_all()
        await stage.settle()
        assert stage.delivery.shown == []


async def test_a_lost_request_is_reported_once(database_url: str, gmi: GmiCloud, quick: QuickClock) -> None:
    pending = PendingReply(JOB, 7, CardLocation(3, GUILD))
    async with open_stage(database_url, gmi, quick) as earlier:
        await earlier.storage.replies.add(pending)
    async with open_stage(database_url, gmi, quick) as stage:
        stage.delivery.failures.append(RuntimeError("a bug"))
        await stage.recovery.load()
        stage.recovery.resume_all()
        await stage.settle()
        assert await stage.storage.replies.all() == []
        assert stage.delivery.lost == [JOB]


async def test_a_lost_request_whose_card_is_gone_is_forgotten(stage: Stage) -> None:
    await report_lost(stage, Gone("no card"))
    assert stage.clock.waits == []
    assert await stage.storage.replies.all() == []
    assert stage.delivery.lost == []


async def test_a_lost_request_is_reported_again_and_again_until_discord_takes_it(stage: Stage) -> None:
    await report_lost(stage, *[undeliverable() for _ in range(8)])
    assert stage.clock.waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert await stage.storage.replies.all() == []
    assert stage.delivery.lost == [JOB]


async def test_a_lost_request_that_cannot_be_reported_for_a_day_is_forgotten(stage: Stage) -> None:
    await report_lost(stage, *[undeliverable() for _ in range(400)])
    assert DAY <= stage.clock.now() - START < DAY + 5 * MINUTE
    assert await stage.storage.replies.all() == []
    assert stage.delivery.lost == []


async def report_lost(stage: Stage, *failures: Exception) -> None:
    """Recover a pending reply while Discord answers its report in these ways."""
    await stage.storage.replies.add(PendingReply(JOB, 7, CardLocation(3, GUILD)))
    stage.delivery.failures.extend(failures)
    await stage.recovery.load()
    stage.recovery.resume_all()
    await stage.settle()


@pytest.mark.parametrize("sent", [False, True])
async def test_a_bug_while_a_job_is_sent_is_gone_on_with_and_never_a_second_post(
    sent: bool, stage: Stage, gmi: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.put(waiting_until=START)
    submit = Client.submit

    async def broken(self: Client, model: str, payload: dict[str, object]) -> Any:
        if sent:
            await submit(self, model, payload)
        raise RuntimeError("a bug")

    monkeypatch.setattr(Client, "submit", broken)
    await stage.recovery.submit(JOB)
    await stage.settle()
    assert gmi.paid == int(sent)
    assert stage.clock.waits == [5.0]
    assert stage.poller.followed == {JOB: (None, stage.clock.now() + MINUTE)}
    assert (await stage.stored()).state is State.SUBMITTING


async def test_a_bug_before_a_job_may_have_been_sent_lets_it_be_sent_later(
    stage: Stage, gmi: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.put(waiting_until=START)
    update, left = type(stage.context.jobs).update, [1]

    async def broken(self: Any, *given: Any, **named: Any) -> Any:
        if left:
            left.pop()
            raise RuntimeError("a bug")
        return await update(self, *given, **named)

    monkeypatch.setattr(type(stage.context.jobs), "update", broken)
    await stage.recovery.submit(JOB)
    await stage.settle()
    assert gmi.paid == 1

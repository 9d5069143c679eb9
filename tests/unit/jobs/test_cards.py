"""Cards of open jobs: what is shown, how often it is tried, and what is left when nothing is to do."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.delivery.routes import Undeliverable
from bot.delivery.sender import Delivery
from bot.jobs.card_actions import CardActions
from bot.models.jobs import CardLocation
from bot.models.states import Reason, State
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageFault
from fakes.gmi.cloud import GmiCloud
from tests.unit.jobs.stage import GUILD, JOB, START, VIDEO, QuickClock, Stage, open_stage, undeliverable

DAY = timedelta(days=1)


@pytest.fixture
def actions(stage: Stage) -> CardActions:
    return CardActions(stage.context, cast(Delivery, stage.delivery), stage.notifier, stage.poster)


async def test_a_card_that_has_not_changed_is_not_edited_again(stage: Stage) -> None:
    await stage.put(State.QUEUED, request_id="r")
    assert await stage.notifier.show(JOB)
    assert await stage.notifier.show(JOB)
    assert len(stage.delivery.shown) == 1
    assert (await stage.stored()).location.message_id == 4
    await stage.context.jobs.transition(JOB, State.PROCESSING)
    assert await stage.notifier.show(JOB)
    assert [job.state for job in stage.delivery.shown] == [State.QUEUED, State.PROCESSING]


async def test_of_several_changes_that_wait_only_the_last_one_is_shown(stage: Stage) -> None:
    await stage.put(State.QUEUED, request_id="r")
    async with stage.notifier.card(JOB).lock:
        waiting = [asyncio.create_task(stage.notifier.show(JOB)) for _ in range(3)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [True, True, True]
    assert len(stage.delivery.shown) == 1


async def test_of_several_changes_that_wait_only_the_last_one_asks_discord(stage: Stage) -> None:
    await stage.put(State.QUEUED, request_id="r")
    stage.delivery.failures.append(undeliverable())
    async with stage.notifier.card(JOB).lock:
        waiting = [asyncio.create_task(stage.notifier.show(JOB)) for _ in range(3)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*waiting) == [True, True, False]
    assert stage.delivery.shown == []


@pytest.mark.parametrize("failure", [undeliverable(), RuntimeError("a bug")])
async def test_a_card_that_discord_does_not_take_is_shown_the_next_time(
    failure: Exception, stage: Stage
) -> None:
    await stage.put(State.QUEUED, request_id="r")
    stage.delivery.failures.append(failure)
    assert not await stage.notifier.show(JOB)
    assert await stage.notifier.show(JOB)
    assert len(stage.delivery.shown) == 1


async def test_the_card_of_a_job_that_has_ended_is_left_alone(stage: Stage) -> None:
    assert await stage.notifier.show(JOB)
    assert stage.delivery.shown == []
    await stage.notifier.finish(JOB)
    assert stage.delivery.notified == []


async def test_a_final_card_is_tried_with_growing_pauses(stage: Stage) -> None:
    await stage.put(State.FAILED, reason=Reason.FAILED)
    stage.delivery.failures += [undeliverable() for _ in range(8)]
    await stage.notifier.send_final(JOB)
    assert stage.clock.waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    assert (await stage.stored()).acknowledged
    assert JOB not in stage.context.jobs


async def test_a_final_card_is_given_up_after_a_day(stage: Stage) -> None:
    await stage.put(State.FAILED, reason=Reason.FAILED)
    stage.delivery.failures += [undeliverable() for _ in range(1000)]
    await stage.notifier.send_final(JOB)
    assert DAY <= stage.clock.now() - START < DAY + timedelta(seconds=301)
    assert (await stage.stored()).acknowledged


async def test_a_final_card_of_a_job_that_went_on_meanwhile_does_not_end_it(stage: Stage) -> None:
    await stage.put(State.OVERDUE, request_id="r", reason=Reason.DEADLINE)
    stage.delivery.failures.append(undeliverable())

    async def late_video() -> None:
        await stage.context.jobs.transition(JOB, State.SUCCEEDED, results=VIDEO)

    await asyncio.gather(stage.notifier.send_final(JOB), late_video())
    assert not (await stage.stored()).acknowledged
    assert JOB in stage.context.jobs


@pytest.mark.parametrize(
    ("waited", "private", "notified"),
    [
        (timedelta(seconds=45), False, [State.FAILED]),
        (timedelta(seconds=45) - timedelta(microseconds=1), False, []),
        (timedelta(seconds=90), True, []),
    ],
)
async def test_who_had_to_wait_is_notified(
    waited: timedelta,
    private: bool,
    notified: list[State],
    database_url: str,
    gmi: GmiCloud,
    quick: QuickClock,
) -> None:
    async with open_stage(database_url, gmi, quick, notify_after=timedelta(seconds=45)) as stage:
        job = await stage.put(
            State.FAILED, reason=Reason.FAILED, location=CardLocation(3, GUILD, private=private)
        )
        quick.advance(waited)
        await stage.notifier.finish(job.id)
        assert stage.delivery.notified == notified
        assert (await stage.stored()).acknowledged


async def test_each_of_two_jobs_that_end_alike_is_notified_of(
    database_url: str, gmi: GmiCloud, quick: QuickClock
) -> None:
    async with open_stage(database_url, gmi, quick, notify_after=timedelta()) as stage:
        for number in (JOB, JOB + 1):
            await stage.put(State.FAILED, reason=Reason.FAILED, id=number)
        await asyncio.gather(stage.notifier.finish(JOB), stage.notifier.finish(JOB + 1))
        assert stage.delivery.notified == [State.FAILED, State.FAILED]


async def test_an_end_that_cannot_be_saved_notifies_once(
    database_url: str, gmi: GmiCloud, quick: QuickClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, left = JobStore.save, [1, 1]

    async def refuse(self: JobStore, job: Any, *, previous: int) -> None:
        if left:
            left.pop()
            raise StorageFault("DataError")
        await save(self, job, previous=previous)

    async with open_stage(database_url, gmi, quick, notify_after=timedelta()) as stage:
        await stage.put(State.DELIVERED, results=VIDEO)
        monkeypatch.setattr(JobStore, "save", refuse)
        stage.notifier.schedule_finish(JOB)
        await stage.settle()
        assert stage.delivery.notified == [State.DELIVERED]
        assert JOB not in stage.context.jobs
        assert stage.clock.waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("schedule", "state", "fields", "named"),
    [
        ("schedule_show", State.QUEUED, {}, "card"),
        ("schedule_final", State.FAILED, {"reason": Reason.FAILED}, "final card"),
        ("schedule_finish", State.DELIVERED, {"results": VIDEO}, "end"),
    ],
)
async def test_work_that_fails_in_the_background_is_named_in_the_log_and_done_again(
    schedule: str,
    state: State,
    fields: dict[str, Any],
    named: str,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    save, left = JobStore.save, [1]

    async def refuse(self: JobStore, job: Any, *, previous: int) -> None:
        if left:
            left.pop()
            raise StorageFault("DataError")
        await save(self, job, previous=previous)

    monkeypatch.setattr(JobStore, "save", refuse)
    await stage.put(state, request_id="r", **fields)
    with caplog.at_level(logging.ERROR):
        getattr(stage.notifier, schedule)(JOB)
        await stage.settle()
    assert f"The task '{named} of job {JOB}' failed" in caplog.text
    assert stage.clock.waits[0] == 1.0
    assert (await stage.stored()).acknowledged is (state is not State.QUEUED)


async def test_a_private_video_moves_to_where_it_is_shown(stage: Stage, actions: CardActions) -> None:
    location = CardLocation(3, GUILD, private=True)
    job = await stage.put(State.SUCCEEDED, request_id="r", results=VIDEO, location=location)
    fresh = replace(location, message_id=9, token="fresh-fake-token", token_expires=START)
    await actions.move(job, fresh)
    await stage.settle()
    stored = await stage.stored()
    assert (stored.state, stored.location.token) == (State.DELIVERED, "fresh-fake-token")
    assert stage.delivery.copies == []


async def test_of_a_public_card_there_is_a_copy(stage: Stage, actions: CardActions) -> None:
    job = await stage.put(State.QUEUED, request_id="r")
    await actions.move(job, CardLocation(5, GUILD, private=True))
    assert (await stage.stored()).location.channel_id == 3
    assert [copy.location.channel_id for copy in stage.delivery.copies] == [5]


async def test_of_a_job_that_has_ended_there_is_a_copy(stage: Stage, actions: CardActions) -> None:
    job = await stage.put(State.DELIVERED, results=VIDEO)
    stage.context.jobs.drop(JOB)
    await actions.move(job, CardLocation(5, GUILD, private=True))
    assert [copy.location.channel_id for copy in stage.delivery.copies] == [5]
    assert stage.delivery.forgotten == [JOB]


@pytest.mark.parametrize(
    "location",
    [CardLocation(3, GUILD, private=True), CardLocation(3, GUILD, guest=True)],
    ids=["private", "guest"],
)
async def test_a_card_under_way_that_is_out_of_reach_moves(
    location: CardLocation, stage: Stage, actions: CardActions
) -> None:
    job = await stage.put(State.QUEUED, request_id="r", location=location)
    await actions.move(job, CardLocation(5, GUILD, private=True))
    assert (await stage.stored()).location.channel_id == 5
    assert stage.delivery.forgotten == [JOB]  # what it knew of the old place
    assert [shown.location.channel_id for shown in stage.delivery.shown] == [5]
    stage.delivery.failures.append(undeliverable())
    with pytest.raises(Undeliverable, match=f"the card of job {JOB} could not move"):
        await actions.move(job, CardLocation(6, GUILD, private=True))

"""Videos are posted once; a file that could be fetched only later takes the place of its link."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import pytest

from bot.delivery.fetcher import Result
from bot.delivery.routes import Gone
from bot.media.download import Download
from bot.models.jobs import Job
from bot.models.states import State
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageFault
from tests.unit.jobs.stage import JOB, START, VIDEO, Stage, undeliverable

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FETCHED = Result(VIDEO[0], Download(None, 1000))
POSTED = Result(VIDEO[0], on_card=True)
MISSING = Result(VIDEO[0])


async def delivered(stage: Stage) -> Job:
    """Return a job whose link was posted, and whose file may come within the hour."""
    return await stage.put(
        State.DELIVERED, request_id="r", results=VIDEO, acknowledged=True, refetch_until=START + HOUR
    )


async def test_a_video_is_posted_once_and_its_job_is_finished(stage: Stage) -> None:
    await stage.put(State.SUCCEEDED, request_id="r", results=VIDEO)
    await asyncio.gather(stage.poster.deliver(JOB), stage.poster.deliver(JOB))
    await stage.settle()
    job = await stage.stored()
    assert (job.state, job.acknowledged, job.location.message_id) == (State.DELIVERED, True, 4)
    assert len(stage.delivery.delivered) == 1
    assert JOB not in stage.context.jobs
    assert stage.delivery.forgotten == [JOB]


@pytest.mark.parametrize("failure", [undeliverable(), RuntimeError("a bug")])
async def test_a_video_that_discord_does_not_take_is_tried_again(failure: Exception, stage: Stage) -> None:
    await stage.put(State.SUCCEEDED, request_id="r", results=VIDEO)
    stage.delivery.failures += [failure, failure]
    await stage.poster.deliver(JOB)
    assert stage.clock.waits == [5.0, 10.0]
    assert (await stage.stored()).state is State.DELIVERED


async def test_a_video_that_no_place_takes_is_given_up_after_a_day_and_stays_for_show(stage: Stage) -> None:
    await stage.put(State.SUCCEEDED, request_id="r", results=VIDEO)
    stage.delivery.failures += [undeliverable() for _ in range(1000)]
    await stage.poster.deliver(JOB)
    assert DAY <= stage.clock.now() - START < DAY + timedelta(seconds=301)
    assert (await stage.stored()).state is State.SUCCEEDED
    assert JOB in stage.context.jobs


async def test_a_video_is_not_posted_while_its_card_is_edited(stage: Stage) -> None:
    await stage.put(State.SUCCEEDED, request_id="r", results=VIDEO)
    async with stage.notifier.card(JOB).lock:
        delivering = asyncio.create_task(stage.poster.deliver(JOB))
        for _ in range(3):
            await stage.stored()
        assert stage.delivery.delivered == []
    await delivering
    assert len(stage.delivery.delivered) == 1


async def test_a_video_that_waits_for_its_link_is_not_posted(stage: Stage) -> None:
    await stage.put(State.SUCCEEDED, request_id="r")
    await stage.poster.deliver(JOB)
    assert stage.delivery.delivered == []


async def test_a_link_that_is_posted_gets_its_file_within_the_hour(stage: Stage) -> None:
    stage.delivery.link_only = True
    stage.delivery.found = [[FETCHED]]
    await stage.put(State.SUCCEEDED, request_id="r", results=VIDEO)
    await stage.poster.deliver(JOB)
    assert (await stage.stored()).refetch_until == START + HOUR
    await stage.settle()
    assert [found.results for found in stage.delivery.replaced] == [[FETCHED]]
    job = await stage.stored()
    assert (job.state, job.location.message_id, job.refetch_until) == (State.DELIVERED, 5, None)
    assert JOB not in stage.context.jobs


async def test_a_file_is_tried_with_growing_pauses_until_it_is_there(stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.found = [*([[MISSING]] * 8), [FETCHED]]
    await stage.poster.refetch(JOB)
    assert stage.clock.waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]
    assert len(stage.delivery.replaced) == 1
    assert (await stage.stored()).refetch_until is None


async def test_a_file_that_never_comes_is_given_up_after_the_hour_and_its_link_stays(stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.found = [[MISSING]] * 99
    await stage.poster.refetch(JOB)
    assert stage.clock.now() == START + HOUR  # the last attempt is at its very end
    assert stage.delivery.replaced == []
    job = await stage.stored()
    assert (job.state, job.results, job.refetch_until) == (State.DELIVERED, VIDEO, None)
    assert JOB not in stage.context.jobs


async def test_an_hour_that_passed_while_the_bot_was_off_is_over(stage: Stage) -> None:
    job = await delivered(stage)
    stage.clock.advance(HOUR)
    stage.lifecycle.go_on(job)
    await stage.settle()
    assert stage.delivery.fetched == 0
    assert (await stage.stored()).refetch_until is None
    assert JOB not in stage.context.jobs


async def test_each_file_is_put_there_as_it_comes(stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.found = [[FETCHED, MISSING], [POSTED, MISSING], [POSTED, FETCHED], [MISSING]]
    await stage.poster.refetch(JOB)
    assert [found.results for found in stage.delivery.replaced] == [[FETCHED, MISSING], [POSTED, FETCHED]]
    assert stage.delivery.fetched == 3
    assert (await stage.stored()).refetch_until is None


async def test_files_that_are_on_the_card_already_are_not_posted_again(stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.found = [[POSTED]]
    await stage.poster.refetch(JOB)
    assert (stage.delivery.fetched, stage.delivery.replaced) == (1, [])
    assert (await stage.stored()).refetch_until is None


async def test_a_card_that_is_gone_is_left_alone(stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.failures.append(Gone("the card was deleted"))
    await stage.poster.refetch(JOB)
    assert stage.delivery.fetched == 1
    assert (await stage.stored()).refetch_until is None
    assert JOB not in stage.context.jobs


@pytest.mark.parametrize(
    ("failure", "logged"),
    [
        (undeliverable(), "Not posted: no place took the card"),
        (RuntimeError("a bug"), f"Job {JOB}: could not put the file in the link's place"),
    ],
)
async def test_a_file_that_discord_does_not_take_is_tried_again(
    failure: Exception, logged: str, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await delivered(stage)
    stage.delivery.failures.append(failure)
    stage.delivery.found = [[FETCHED]]
    with caplog.at_level(logging.WARNING):
        await stage.poster.refetch(JOB)
    assert logged in caplog.text
    assert (stage.delivery.fetched, len(stage.delivery.replaced)) == (2, 1)


@pytest.mark.parametrize("complete", [True, False])
async def test_nothing_is_put_on_a_card_that_is_deleted_meanwhile(complete: bool, stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.found = [[FETCHED] if complete else [FETCHED, MISSING]]
    stage.notifier.card(JOB).deleted = True
    await stage.poster.refetch(JOB)
    assert (stage.delivery.fetched, stage.delivery.replaced) == (1, [])
    assert (await stage.stored()).refetch_until is None


async def test_a_card_that_is_being_deleted_is_waited_for(stage: Stage) -> None:
    await delivered(stage)
    stage.delivery.found = [[FETCHED]]
    card = stage.notifier.card(JOB)
    async with card.lock:
        fetching = asyncio.create_task(stage.poster.refetch(JOB))
        while not stage.delivery.fetched:
            await stage.stored()
        card.deleted = True
    await fetching
    assert stage.delivery.replaced == []


async def test_an_end_that_storage_refuses_is_named_in_the_log_and_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save, left = JobStore.save, [1]

    async def refuse(self: JobStore, job: Job, *, previous: int) -> None:
        if left:
            left.pop()
            raise StorageFault("DataError")
        await save(self, job, previous=previous)

    job = await delivered(stage)
    stage.delivery.found = [[POSTED], [POSTED]]
    monkeypatch.setattr(JobStore, "save", refuse)
    stage.poster.complete(job)
    await stage.settle()
    assert f"The task 'file of job {JOB}' failed" in caplog.text
    assert (await stage.stored()).refetch_until is None


async def test_what_was_given_up_meanwhile_is_not_fetched(stage: Stage) -> None:
    await delivered(stage)
    await stage.poster.stop_refetching(JOB)
    await stage.poster.refetch(JOB)
    assert (stage.delivery.fetched, stage.clock.waits) == (0, [])


async def test_what_is_given_up_during_a_pause_is_not_fetched_after_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await delivered(stage)
    pauses: list[float | None] = []

    async def give_up(_: asyncio.Event, seconds: float | None) -> None:
        pauses.append(seconds)
        await stage.poster.stop_refetching(JOB)

    monkeypatch.setattr(stage.clock, "wait", give_up)
    await stage.poster.refetch(JOB)
    assert (pauses, stage.delivery.fetched) == ([5.0], 0)
    assert JOB not in stage.context.jobs


async def test_a_job_that_its_member_has_not_seen_is_finished_beside_its_file(stage: Stage) -> None:
    job = await stage.put(State.DELIVERED, request_id="r", results=VIDEO, refetch_until=START + HOUR)
    stage.delivery.found = [[MISSING], [FETCHED]]
    stage.poster.complete(job)
    await stage.settle()
    stored = await stage.stored()
    assert (stored.acknowledged, stored.refetch_until) == (True, None)
    assert JOB not in stage.context.jobs

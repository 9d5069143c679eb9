"""Lost POSTs: they are searched for in the list, and found jobs are polled as all others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.models.states import State
from fakes.gmi import script
from fakes.gmi.script import Outcome
from tests.unit.polling.rig import Rig, job_of, name, rigged

QUEUED, PROCESSING, SUCCEEDED = State.QUEUED, State.PROCESSING, State.SUCCEEDED


async def test_a_lost_post_is_found_whatever_its_status_says(rig: Rig) -> None:
    job = await rig.lose()
    [post] = rig.cloud.posts
    record = {"request_id": post.request_id, "status": "who knows", "payload": job.request.payload()}
    rig.cloud.fault("GET", "/requests", script.answer(200, {"requests": [record]}).repeated(None))
    await rig.advance(0)
    [update] = rig.updates
    assert update.job_id == job.id
    assert update.status is not None
    assert (update.status.request_id, update.status.state) == (post.request_id, None)


@pytest.mark.parametrize("others", [0, 3])
async def test_a_lost_post_is_searched_for_at_once(others: int, rig: Rig) -> None:
    for _ in range(others):
        await rig.submit()
    await rig.advance(3)
    before = rig.seen
    job = await rig.lose()
    await rig.advance(0)
    assert rig.asked(before) == {"requests": 1}
    assert rig.states(job) == [QUEUED]
    assert rig.updates[-1].status is not None
    found = replace(job, state=QUEUED, request_id=rig.updates[-1].status.request_id)
    rig.own.jobs[-1] = found
    rig.track(found)
    await rig.advance(120)
    assert rig.states(job) == [QUEUED, PROCESSING, SUCCEEDED]


async def test_a_lost_post_that_does_not_show_is_searched_for_until_its_deadline(rig: Rig) -> None:
    job = job_of(9, State.SUBMITTING, request_id=None)
    rig.own.jobs.append(job)
    rig.track(job, deadline=60)
    await rig.advance(59.9)
    assert rig.asked() == {"requests": 12}
    assert rig.states(job) == []
    await rig.advance(0.1)
    assert rig.states(job) == [None]
    before = rig.seen
    await rig.advance(1800)
    assert rig.asked(before) == {"requests": 3}


async def test_single_questions_about_lost_posts_count_for_the_budget() -> None:
    async with rigged(per_minute=6) as rig:
        rig.cloud.outcome(Outcome(echoes=False))
        job = await rig.lose()
        other = await rig.submit()
        await rig.advance(0)
        assert rig.states(job) == [QUEUED]  # the only record of its moment
        rig.poller.drop(job.id)
        assert rig.asked().total() == 2  # the list, and the record
        await rig.advance(19.9)
        assert rig.asked().total() == 2
        await rig.advance(0.1)
        assert rig.asked()[name(other)] == 1


async def test_without_the_storage_lost_posts_are_searched_for_again(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    job, other = await rig.lose(), await rig.submit()
    rig.own.jobs.broken = True
    await rig.advance(4)
    assert rig.states(job) == []
    assert "could not be searched for" in caplog.text
    assert "Traceback" not in caplog.text  # trouble that passes by itself
    rig.own.jobs.broken = False
    await rig.advance(2)
    assert rig.states(job) == [QUEUED]
    await rig.advance(120)
    assert rig.states(other)[-1] is SUCCEEDED


async def test_a_found_job_that_is_rendered_already_teaches_nothing(rig: Rig) -> None:
    job = await rig.lose()
    rig.poller.drop(job.id)
    await rig.advance(30)
    rig.track(job)
    await rig.advance(0)
    assert rig.states(job) == [PROCESSING]
    assert rig.updates[-1].status is not None
    rig.track(
        replace(
            job, state=PROCESSING, state_since=rig.clock.now(), request_id=rig.updates[-1].status.request_id
        )
    )
    await rig.advance(120)
    assert rig.states(job) == [PROCESSING, SUCCEEDED]
    assert rig.estimator.dump() == "[]"


async def test_a_job_that_was_rendered_when_the_bot_started_teaches(rig: Rig) -> None:
    job = await rig.submit(track=False)
    await rig.advance(12)
    rig.track(replace(job, state=PROCESSING, state_since=rig.clock.now()))
    await rig.advance(120)
    assert rig.states(job) == [SUCCEEDED]
    assert rig.estimator.dump() != "[]"

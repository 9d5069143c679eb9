"""The poller against the stand-in: what it asks, when, and what it finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.models.requests import MODEL
from bot.models.states import State
from bot.polling.schedule.estimator import DurationEstimator
from fakes.gmi import script
from fakes.gmi.cloud import Timing
from tests.unit.polling.rig import EPOCH, Rig, name, unlist

PROCESSING, SUCCEEDED, FAILED = State.PROCESSING, State.SUCCEEDED, State.FAILED


# One job.


async def test_one_job_is_asked_about_by_itself(rig: Rig) -> None:
    job = await rig.submit()
    await rig.advance(1.9)
    assert rig.asked() == {}  # its POST has just told its status
    await rig.advance(0.1)
    assert rig.asked() == {name(job): 1}
    await rig.advance(8)
    assert rig.asked() == {name(job): 5}  # every two seconds in line
    assert rig.states(job) == [PROCESSING]
    await rig.advance(90)
    assert set(rig.asked()) == {name(job)}
    assert rig.states(job) == [PROCESSING, SUCCEEDED]
    [update] = rig.updates[1:]
    assert update.status is not None
    assert update.status.results
    assert update.at <= rig.clock.now()
    learned = DurationEstimator()
    learned.learn(MODEL, 5, 60)
    expected = pytest.approx(learned.expected(MODEL, 5)[0], abs=0.1)
    assert rig.estimator.expected(MODEL, 5)[0] == expected


async def test_nothing_is_asked_while_nothing_is_tracked(rig: Rig) -> None:
    await rig.advance(1)
    assert rig.clock.wakes_in is None
    job = await rig.submit()
    await rig.advance(0)
    assert rig.clock.wakes_in == 2
    await rig.advance(120)
    assert rig.states(job)[-1] is SUCCEEDED
    assert rig.clock.wakes_in is None


async def test_a_dropped_job_is_asked_about_no_more(rig: Rig) -> None:
    job, other = await rig.submit(), await rig.submit()
    await rig.advance(3)
    rig.poller.drop(job.id)
    before = rig.seen
    await rig.advance(120)
    assert rig.states(job) == []
    assert rig.states(other) == [PROCESSING, SUCCEEDED]
    rig.poller.drop(job.id)
    await rig.advance(1)
    assert rig.clock.wakes_in is None
    assert name(job) not in rig.asked(before)


async def test_a_failure_ends_with_its_reason(rig: Rig) -> None:
    rig.cloud.outcome(script.failed("TaskTimeout"))
    job = await rig.submit()
    await rig.advance(120)
    assert rig.states(job) == [PROCESSING, FAILED]
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.detail == "TaskTimeout"
    assert rig.estimator.dump() == "[]"


@pytest.mark.parametrize("number", [1, 2])
async def test_a_deadline_is_reported_once_and_the_job_is_polled_on(number: int, rig: Rig) -> None:
    jobs = [await rig.submit(deadline=31) for _ in range(number)]
    await rig.advance(30.9)
    assert all(rig.states(job) == [PROCESSING] for job in jobs)
    await rig.advance(0.1)
    assert all(rig.states(job) == [PROCESSING, None] for job in jobs)
    assert rig.updates[-1].at == EPOCH + timedelta(seconds=31)
    await rig.advance(120)
    assert all(rig.states(job) == [PROCESSING, None, SUCCEEDED] for job in jobs)


async def test_a_deadline_in_the_past_is_reported_at_once(rig: Rig) -> None:
    job = await rig.submit(deadline=-5)
    await rig.advance(0)
    assert rig.states(job) == [None]
    assert rig.asked() == {name(job): 1}


async def test_a_job_that_is_tracked_again_has_its_new_deadline(rig: Rig) -> None:
    job = await rig.submit(deadline=20)
    await rig.advance(5)
    rig.track(job, deadline=40)
    await rig.advance(39)
    assert None not in rig.states(job)
    await rig.advance(2)
    assert rig.states(job).count(None) == 1


# The list.


@pytest.mark.parametrize("number", [2, 20])
async def test_one_list_serves_several_jobs(number: int, rig: Rig) -> None:
    jobs = [await rig.submit() for _ in range(number)]
    await rig.advance(60)
    asked = rig.asked()
    assert set(asked) == {"requests"}
    assert 5 <= asked["requests"] <= 60
    await rig.advance(60)
    assert set(rig.asked()) == {"requests"}
    for job in jobs:
        assert rig.states(job) == [PROCESSING, SUCCEEDED]
    assert rig.clock.wakes_in is None


async def test_jobs_in_line_are_seen_by_a_list_every_two_seconds(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=100, processing=60)
    await rig.submit()
    await rig.submit()
    await rig.advance(20)
    assert rig.asked() == {"requests": 10}


async def test_a_second_job_begins_the_list(rig: Rig) -> None:
    first = await rig.submit()
    await rig.advance(5)
    assert rig.asked() == {name(first): 2}
    second = await rig.submit()
    before = rig.seen
    await rig.advance(5)
    assert set(rig.asked(before)) == {"requests"}
    rig.poller.drop(second.id)
    before = rig.seen
    await rig.advance(40)
    assert set(rig.asked(before)) == {name(first)}  # one alone is asked about by itself again


async def test_a_new_job_is_served_by_the_next_list(rig: Rig) -> None:
    for _ in range(50):
        rig.estimator.learn(MODEL, 5, 600)
    rig.cloud.timing = Timing(queued=2, processing=600)
    await rig.submit()
    await rig.submit()
    await rig.advance(70)  # the list has just been asked for, and would come again in half a minute
    before = rig.seen
    new = await rig.submit()
    await rig.advance(1.9)
    assert rig.asked(before) == {}
    await rig.advance(0.2)
    assert rig.asked(before) == {"requests": 1}  # in two seconds, not in thirty
    assert rig.states(new) == [PROCESSING]


async def test_a_new_job_that_no_list_shows_is_asked_about_in_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(50):
        rig.estimator.learn(MODEL, 5, 600)
    rig.cloud.timing = Timing(queued=2, processing=600)
    await rig.submit()
    await rig.submit()
    await rig.advance(70)
    before = rig.seen
    new = await rig.submit(deadline=20)
    unlist(monkeypatch, rig, new)
    await rig.advance(2.1)
    assert rig.asked(before) == {"requests": 1, name(new): 1}
    assert rig.states(new) == [PROCESSING]
    await rig.advance(18)
    assert rig.states(new) == [PROCESSING, None]


async def test_a_job_missing_from_the_list_is_asked_about_singly(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing, *others = [await rig.submit() for _ in range(3)]
    unlist(monkeypatch, rig, missing)
    await rig.advance(30)
    asked = rig.asked()
    assert set(asked) == {"requests", name(missing)}
    assert asked[name(missing)] >= 3
    await rig.advance(90)
    for job in (missing, *others):
        assert rig.states(job) == [PROCESSING, SUCCEEDED]


async def test_a_job_that_leaves_the_list_is_asked_about_at_once(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, _ = await rig.submit(), await rig.submit()
    await rig.advance(3)
    assert set(rig.asked()) == {"requests"}
    unlist(monkeypatch, rig, leaving)
    before = rig.seen
    await rig.advance(1)
    assert rig.asked(before) == {"requests": 1, name(leaving): 1}


@pytest.mark.parametrize("mode", sorted(script.LIST_MODES))
async def test_a_list_of_no_use_is_tried_again_after_a_minute(mode: str, rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=300, processing=60)
    rig.cloud.list_mode = mode
    jobs = [await rig.submit() for _ in range(3)]
    await rig.advance(60)
    asked = rig.asked()
    assert asked["requests"] == 1
    assert all(asked[name(job)] >= 10 for job in jobs)
    rig.cloud.list_mode = "ok"
    await rig.advance(12)
    before = rig.seen
    await rig.advance(60)
    assert set(rig.asked(before)) == {"requests"}
    rig.cloud.list_mode = mode
    before = rig.seen
    await rig.advance(20)
    assert rig.asked(before)["requests"] == 1
    assert all(rig.asked(before)[name(job)] for job in jobs)


async def test_a_list_that_is_too_long_is_not_asked_for(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=100_000, processing=60)
    for _ in range(300):
        rig.cloud.add_stranger({"prompt": "x" * 1000, "seed": 1})
    jobs = [await rig.submit() for _ in range(3)]
    await rig.advance(1700)
    asked = rig.asked()
    assert asked["requests"] == 1
    assert all(asked[name(job)] > 50 for job in jobs)
    await rig.advance(200)
    assert rig.asked()["requests"] == 2  # it is weighed again after half an hour


async def test_a_list_that_became_too_long_for_few_jobs_is_weighed_again_later(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=100_000, processing=60)
    for _ in range(10):
        rig.cloud.add_stranger({"prompt": "x" * 1000, "seed": 1})
    jobs = [await rig.submit() for _ in range(3)]
    await rig.advance(10)
    assert set(rig.asked()) == {"requests"}  # cheaper than three questions
    rig.poller.drop(jobs.pop().id)
    before = rig.seen
    await rig.advance(1700)
    assert set(rig.asked(before)) == {name(job) for job in jobs}  # and dearer than two
    await rig.advance(120)
    assert rig.asked(before)["requests"] == 1


async def test_a_state_that_the_list_words_oddly_is_asked_for_singly(rig: Rig) -> None:
    jobs = [await rig.submit(), await rig.submit()]
    records = [{"request_id": name(job), "status": "who knows"} for job in jobs]
    rig.cloud.fault("GET", "/requests", script.answer(200, {"requests": records}).repeated(None))
    await rig.advance(30)
    assert all(rig.states(job) == [PROCESSING] for job in jobs)
    await rig.advance(90)
    assert all(rig.states(job) == [PROCESSING, SUCCEEDED] for job in jobs)

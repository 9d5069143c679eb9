"""When a video should be ready: one moment a state, that does not move, and word of it once it is past."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.jobs.cards.ready_times import ReadyTimes
from bot.models.states import State
from bot.polling.schedule.estimator import DurationEstimator, Span
from tests.unit.jobs.stage import JOB, MODEL, START, QuickClock, Stage, new_job, undeliverable

IN_ALL, RENDERING = (DurationEstimator().usual(MODEL, 5, span) for span in (Span.IN_ALL, Span.RENDERING))
QUEUED = replace(new_job(), state=State.QUEUED)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@asynccontextmanager
async def running(ready: ReadyTimes, passed: Callable[[int], None]) -> AsyncIterator[None]:
    task = asyncio.create_task(ready.run(passed))
    yield
    for _ in range(10):
        await asyncio.sleep(0)
    task.cancel()


def test_each_state_has_its_moment_from_the_first_job_on() -> None:
    ready = ReadyTimes(DurationEstimator(), QuickClock())
    assert ready.expect(QUEUED) == after(IN_ALL)
    processing = replace(QUEUED, state=State.PROCESSING, state_since=after(10))
    assert ready.expect(processing) == after(10 + RENDERING)
    again = replace(QUEUED, state_since=after(20))  # it lost its machine
    assert ready.expect(again) == after(20 + IN_ALL)


@pytest.mark.parametrize("state", [state for state in State if state not in {State.QUEUED, State.PROCESSING}])
def test_other_states_have_none(state: State) -> None:
    ready = ReadyTimes(DurationEstimator(), QuickClock())
    assert ready.expect(replace(QUEUED, state=state)) is None


def test_a_moment_does_not_move_with_what_is_learned_meanwhile() -> None:
    estimator = DurationEstimator()
    ready = ReadyTimes(estimator, QuickClock())
    before = ready.expect(QUEUED)
    for _ in range(20):
        estimator.learn(MODEL, 5, 600, Span.IN_ALL)
    assert ready.expect(QUEUED) == before
    assert ready.expect(replace(QUEUED, id=JOB + 1)) != before


async def test_who_is_late_is_named_once_in_order_and_not_before() -> None:
    clock = QuickClock()
    named: list[tuple[int, datetime]] = []
    ready = ReadyTimes(DurationEstimator(), clock)
    async with running(ready, lambda job_id: named.append((job_id, clock.now()))):
        ready.expect(replace(QUEUED, id=2, state_since=after(5)))
        ready.expect(replace(QUEUED, id=1))
    assert named == [(1, after(IN_ALL)), (2, after(5 + IN_ALL))]


async def test_nobody_is_late_who_went_on_or_ended() -> None:
    named: list[int] = []
    clock = QuickClock()
    ready = ReadyTimes(DurationEstimator(), clock)
    for job in (replace(QUEUED, id=job_id) for job_id in (1, 2, 3)):
        ready.expect(job)
    ready.forget(1)
    ready.expect(replace(QUEUED, id=2, state=State.SUCCEEDED))
    ready.expect(replace(QUEUED, id=3, state=State.PROCESSING, state_since=after(3000)))
    async with running(ready, named.append):
        pass
    assert named == [3]
    assert clock.now() == after(3000 + RENDERING)


async def test_what_passed_while_the_bot_was_down_is_named_at_once() -> None:
    named: list[int] = []
    clock = QuickClock()
    clock.advance(timedelta(hours=1))
    ready = ReadyTimes(DurationEstimator(), clock)
    ready.expect(QUEUED)
    async with running(ready, named.append):
        pass
    assert named == [JOB]
    assert clock.now() == after(3600)


async def test_a_card_is_edited_when_its_moment_is_past_and_once(stage: Stage) -> None:
    await stage.put(State.PROCESSING, request_id="r")
    assert await stage.notifier.show(JOB)
    task = asyncio.create_task(stage.notifier.mark_late())
    for _ in range(5):
        await asyncio.sleep(0)
    await stage.settle()
    assert await stage.notifier.show(JOB)
    task.cancel()
    assert [(extras.ready_at, extras.late) for extras in stage.delivery.extras] == [
        (after(RENDERING), False),
        (after(RENDERING), True),
    ]


async def test_a_card_of_an_earlier_process_is_edited_only_once_it_is_late(stage: Stage) -> None:
    job = await stage.put(State.PROCESSING, request_id="r")
    stage.lifecycle.go_on(job)
    await stage.settle()
    assert stage.delivery.shown == []
    task = asyncio.create_task(stage.notifier.mark_late())
    for _ in range(5):
        await asyncio.sleep(0)
    await stage.settle()
    task.cancel()
    assert [extras.late for extras in stage.delivery.extras] == [True]


@pytest.mark.parametrize(("failures", "shown"), [(2, [True]), (99, [])])
async def test_a_late_card_that_discord_does_not_take_is_tried_for_some_minutes(
    failures: int, shown: list[bool], stage: Stage
) -> None:
    job = await stage.put(State.PROCESSING, request_id="r")
    stage.lifecycle.go_on(job)
    await stage.settle()
    stage.delivery.failures += [undeliverable() for _ in range(failures)]
    task = asyncio.create_task(stage.notifier.mark_late())
    for _ in range(5):
        await asyncio.sleep(0)
    await stage.settle()
    task.cancel()
    assert [extras.late for extras in stage.delivery.extras] == shown
    assert stage.clock.waits[1:] == ([5.0, 10.0] if shown else [5.0, 10.0, 20.0, 40.0, 80.0, 160.0])

"""Background tasks: failures are heard, work goes on, and what cannot go on ends the process."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from bot.tasks import FAILURES_MAX, STEADY, SupervisedTask, Tasks, TaskState


class QuickClock:
    """Time that passes only where somebody waits for it, and at once."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await asyncio.sleep(0)
        self.moment += timedelta(seconds=seconds or 0)


async def test_what_a_task_raises_is_logged_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks(QuickClock())

    async def fail() -> None:
        raise ValueError("no such thing")

    with caplog.at_level(logging.ERROR):
        tasks.spawn(fail(), "card of job 7")
        for _ in range(3):
            await asyncio.sleep(0)
    assert "card of job 7" in caplog.text
    assert "no such thing" in caplog.text
    assert tasks.failures == 1


async def test_a_supervised_task_is_started_again_until_it_ends() -> None:
    tasks, starts = Tasks(QuickClock()), 0

    async def fail_twice() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise RecursionError

    tasks.supervise(fail_twice, "follow jobs")
    for _ in range(20):
        await asyncio.sleep(0)
    assert (starts, tasks.failures) == (3, 2)


async def test_a_task_that_fails_again_and_again_breaks_the_process() -> None:
    tasks, starts = Tasks(QuickClock()), 0

    async def fail() -> None:
        nonlocal starts
        starts += 1
        raise RuntimeError

    tasks.supervise(fail, "follow jobs")
    async with asyncio.timeout(5):
        await tasks.wait_broken()
    assert starts == FAILURES_MAX


async def test_failures_long_apart_break_nothing() -> None:
    clock = QuickClock()
    tasks, starts = Tasks(clock), 0

    async def fail_after_a_while() -> None:
        nonlocal starts
        starts += 1
        clock.moment += STEADY
        if starts <= 3 * FAILURES_MAX:
            raise RuntimeError

    tasks.supervise(fail_after_a_while, "follow jobs")
    for _ in range(200):
        await asyncio.sleep(0)
    assert starts == 3 * FAILURES_MAX + 1


async def test_what_must_be_done_is_tried_again_until_it_is_done_and_breaks_nothing() -> None:
    tasks, tries = Tasks(QuickClock()), 0

    async def fail_often() -> None:
        nonlocal tries
        tries += 1
        if tries <= 2 * FAILURES_MAX:
            raise ValueError

    tasks.persist(fail_often, "last words on job 7", wanted=lambda: True)
    for _ in range(200):
        await asyncio.sleep(0)
    assert (tries, tasks.failures) == (2 * FAILURES_MAX + 1, 2 * FAILURES_MAX)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await tasks.wait_broken()


async def test_what_is_no_longer_wanted_is_not_tried_again() -> None:
    tasks, tries = Tasks(QuickClock()), 0

    async def fail() -> None:
        nonlocal tries
        tries += 1
        raise ValueError

    tasks.persist(fail, "card of job 7", wanted=lambda: tries < 3)
    for _ in range(50):
        await asyncio.sleep(0)
    assert tries == 3


async def test_closing_cancels_what_runs() -> None:
    tasks, cancelled = Tasks(QuickClock()), False

    async def wait_for_ever() -> None:
        nonlocal cancelled
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled = True
            raise

    tasks.spawn(wait_for_ever(), "wait")
    await asyncio.sleep(0)
    await tasks.close()
    assert cancelled


async def test_what_became_of_supervised_tasks_can_be_seen() -> None:
    clock = QuickClock()
    tasks, starts = Tasks(clock), 0

    async def fail_twice() -> None:
        nonlocal starts
        starts += 1
        if starts < 3:
            raise RecursionError

    async def fail() -> None:
        raise RecursionError

    async def go_on() -> None:
        await asyncio.Event().wait()

    tasks.supervise(fail_twice, "register")
    tasks.supervise(go_on, "measure")
    tasks.supervise(fail, "follow jobs")
    tasks.spawn(go_on(), "card of job 7")
    await tasks.wait_broken()

    assert tasks.supervised == (
        SupervisedTask("register", TaskState.ENDED, restarts=2),
        SupervisedTask("measure", TaskState.RUNNING),
        SupervisedTask("follow jobs", TaskState.GIVEN_UP, restarts=FAILURES_MAX - 1),
    )
    await tasks.close()

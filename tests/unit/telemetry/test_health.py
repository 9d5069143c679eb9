"""What a check of health and readiness answers, and why."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

from bot.tasks import Tasks
from bot.telemetry.health import BEAT_EVERY, BEAT_LATE, Health, Readiness


class SlowClock:
    """A clock on which each wait takes some seconds longer than it should."""

    def __init__(self, late: float = 0.0, waits: int = 1) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)
        self.late = late
        self._waits = waits

    def now(self) -> datetime:
        return self.moment

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if not self._waits:
            await event.wait()
        self._waits -= 1
        await asyncio.sleep(0)
        self.moment += timedelta(seconds=(seconds or 0) + self.late)


def health(clock: SlowClock, tasks: Tasks | None = None) -> tuple[Health, list[float]]:
    lags: list[float] = []
    return Health(clock, tasks or Tasks(clock), lags.append), lags


async def beat(checked: Health) -> None:
    """Let it beat until its clock stands still."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await checked.beat()


async def test_a_loop_that_works_is_healthy_and_its_lag_is_measured() -> None:
    clock = SlowClock(late=0.25, waits=3)
    checked, lags = health(clock)
    assert checked.report().ok

    await beat(checked)

    assert [round(lag, 6) for lag in lags] == [0.25] * 3
    assert checked.report().ok
    assert "the event loop was last seen working 0.0 s ago" in checked.report().text


async def test_a_loop_that_stands_still_is_not_healthy() -> None:
    clock = SlowClock(waits=1)
    checked, _ = health(clock)
    await beat(checked)

    clock.moment += timedelta(seconds=BEAT_EVERY + BEAT_LATE)
    assert checked.report().ok
    clock.moment += timedelta(seconds=1)
    report = checked.report()

    assert not report.ok
    assert report.lines[0] == "failing: the event loop was last seen working 31.0 s ago"


async def test_a_task_that_was_given_up_is_not_healthy() -> None:
    clock = SlowClock(waits=100)
    tasks = Tasks(clock)
    checked, _ = health(clock, tasks)

    async def fail() -> None:
        raise RecursionError

    tasks.supervise(fail, "take updates of jobs")
    await tasks.wait_broken()
    report = checked.report()

    assert not report.ok
    assert "failing: the task 'take updates of jobs' failed again and again\n" in report.text


async def test_a_task_that_is_about_to_start_again_is_healthy() -> None:
    clock = SlowClock(waits=0)
    tasks = Tasks(clock)
    checked, _ = health(clock, tasks)

    async def fail() -> None:
        raise RecursionError

    tasks.supervise(fail, "check a refused key")
    await asyncio.sleep(0)
    report = checked.report()

    assert report.ok
    assert "ok: the task 'check a refused key' failed and is about to start again\n" in report.text
    await tasks.close()


async def _answers() -> bool:
    return True


async def _is_silent() -> bool:
    return False


async def test_a_process_is_ready_once_everything_is_there() -> None:
    readiness = Readiness()
    assert (await readiness.report()).text == (
        "failing: the database isn't open yet\n"
        "failing: not connected to Discord\n"
        "failing: the commands are not registered\n"
    )

    readiness.storage, readiness.gateway_ready, readiness.commands_registered = _answers, True, True
    report = await readiness.report()
    assert report.ok
    assert (
        report.text == "ok: the database answers\nok: connected to Discord\nok: the commands are registered\n"
    )

    readiness.storage = _is_silent
    report = await readiness.report()
    assert not report.ok
    assert report.lines[0] == "failing: the database doesn't answer"

    readiness.stopping = True
    assert (await readiness.report()).lines == ("failing: the bot is stopping",)

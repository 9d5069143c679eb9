"""Background tasks: each has a name, and none fails unheard."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from structlog.contextvars import clear_contextvars

from bot.clock import Clock, sleep

log = logging.getLogger(__name__)

# What a task runs in, such as the IDs that its lines in the log carry.
Within = Callable[[], AbstractContextManager[None]]

PAUSE_FIRST, PAUSE_MAX = 1.0, 60.0  # seconds before a task that failed is started again
PATIENT_MAX = 300.0  # seconds before something about one job is tried again
STEADY = timedelta(minutes=5)  # a task that ran for so long has recovered from its earlier failures
FAILURES_MAX = 8  # in a row, over about three minutes; then only a new process can help


class TaskState(StrEnum):
    """How a supervised task stands."""

    RUNNING = "running"
    PAUSED = "paused"  # it failed, and is started again after a pause
    GIVEN_UP = "given up"  # it failed too often in a row: only a new process can help
    ENDED = "ended"  # it had nothing left to do


@dataclass(slots=True)
class SupervisedTask:
    """A task that is kept running, as others may see it."""

    name: str
    state: TaskState = TaskState.RUNNING
    restarts: int = 0


class InFlight:
    """Counts what a stop should let arrive."""

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def enter(self) -> None:
        """Count something that begins; `leave` must follow."""
        self._count += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count something that has ended."""
        self._count -= 1
        if not self._count:
            self._idle.set()

    def __enter__(self) -> None:
        """Count what happens in this block."""
        self.enter()

    def __exit__(self, *_: object) -> None:
        """Count the block as ended."""
        self.leave()

    async def wait_idle(self, clock: Clock, seconds: float) -> None:
        """Wait until nothing is in flight, at most so long."""
        await clock.wait(self._idle, seconds)


class Tasks:
    """Runs background work until it is closed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: set[asyncio.Task[None]] = set()
        self._broken = asyncio.Event()
        self._supervised: list[SupervisedTask] = []
        self.failures = 0  # how often a task raised something

    @property
    def supervised(self) -> Sequence[SupervisedTask]:
        """Return every task that is, or was, kept running."""
        return tuple(self._supervised)

    def spawn(self, work: Coroutine[Any, Any, object], name: str, *, within: Within = nullcontext) -> None:
        """Run this once in the background; what it raises is logged."""
        self._start(self._run_once(work, name, within), name)

    def supervise(self, work: Callable[[], Coroutine[Any, Any, object]], name: str) -> None:
        """Keep this running: what it raises is logged, and it is started again after a pause.

        A task that fails again and again breaks the process: see `wait_broken`.
        """
        task = SupervisedTask(name)
        self._supervised.append(task)
        self._start(self._keep_running(work, task), name)

    def persist(
        self,
        work: Callable[[], Coroutine[Any, Any, object]],
        name: str,
        *,
        wanted: Callable[[], bool],
        within: Within = nullcontext,
    ) -> None:
        """Bring this to its end: what it raises is logged, and it is run again after a pause while wanted.

        However often it fails, it breaks nothing else: the trouble is that of one job.
        """
        self._start(self._run_until_done(work, name, wanted, within), name)

    async def wait_broken(self) -> None:
        """Wait until a supervised task was given up."""
        await self._broken.wait()

    async def close(self) -> None:
        """Cancel everything that runs, and wait for its end."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        # Whoever starts it may work on another job: its lines in the log must not carry the IDs of that.
        context = copy_context()
        context.run(clear_contextvars)
        task = asyncio.create_task(work, name=name, context=context)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_once(self, work: Coroutine[Any, Any, object], name: str, within: Within) -> None:
        with within():
            try:
                await work
            except Exception:
                self._failed(name)

    async def _run_until_done(
        self,
        work: Callable[[], Coroutine[Any, Any, object]],
        name: str,
        wanted: Callable[[], bool],
        within: Within,
    ) -> None:
        pause = PAUSE_FIRST
        while True:
            with within():
                try:
                    await work()
                except Exception:
                    self._failed(name)
                else:
                    return
            await sleep(self._clock, pause)
            if not wanted():
                return
            pause = min(pause * 2, PATIENT_MAX)

    async def _keep_running(
        self, work: Callable[[], Coroutine[Any, Any, object]], task: SupervisedTask
    ) -> None:
        in_a_row, pause = 0, PAUSE_FIRST
        while True:
            began = self._clock.now()
            task.state = TaskState.RUNNING
            try:
                await work()
            except Exception:
                self._failed(task.name)
            else:
                task.state = TaskState.ENDED
                return
            if self._clock.now() - began >= STEADY:
                in_a_row, pause = 0, PAUSE_FIRST
            in_a_row += 1
            if in_a_row >= FAILURES_MAX:
                log.critical("%s failed %d times in a row; the process ends", task.name, in_a_row)
                task.state = TaskState.GIVEN_UP
                self._broken.set()
                return
            task.state = TaskState.PAUSED
            await sleep(self._clock, pause)
            task.restarts += 1
            pause = min(pause * 2, PAUSE_MAX)

    def _failed(self, name: str) -> None:
        self.failures += 1
        log.exception("The task %r failed", name)

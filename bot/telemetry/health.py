"""Whether the process works, and whether it can serve members: each answer is a few plain lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.clock import Clock, sleep
from bot.tasks import Tasks, TaskState

BEAT_EVERY = 20.0  # seconds; a bot with nothing to do is to sleep, and not to wake up for its own pulse
BEAT_LATE = 10.0  # seconds that a beat is overdue; members are then waiting beyond Discord's 3 s


@dataclass(frozen=True, slots=True)
class Report:
    """An answer to a check, and why."""

    ok: bool
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return it as a page of plain text."""
        return "".join(f"{line}\n" for line in self.lines)

    @classmethod
    def of(cls, *checks: tuple[bool, str]) -> Report:
        """Return what several checks say together: fine only where each of them is."""
        lines = tuple(f"{'ok' if ok else 'failing'}: {text}" for ok, text in checks)
        return cls(all(ok for ok, _ in checks), lines)


class Health:
    """Knows what only a new process would mend: an event loop that stands still, a task that was given up."""

    def __init__(self, clock: Clock, tasks: Tasks, on_lag: Callable[[float], None]) -> None:
        self._clock = clock
        self._tasks = tasks
        self._on_lag = on_lag
        self._last: datetime | None = None  # None before the first beat

    async def beat(self) -> None:
        """Note every 20 seconds that the event loop gets round to it, and how late it was; for ever."""
        while True:
            began = self._last = self._clock.now()
            await sleep(self._clock, BEAT_EVERY)
            passed = (self._clock.now() - began).total_seconds()
            self._on_lag(max(0.0, passed - BEAT_EVERY))

    def report(self) -> Report:
        """Return whether the process works."""
        tasks = self._tasks.supervised
        given_up = [task for task in tasks if task.state is TaskState.GIVEN_UP]
        paused = [task for task in tasks if task.state is TaskState.PAUSED]
        checks = [self._check_beat()]
        checks += [(False, f"the task {task.name!r} failed again and again") for task in given_up]
        # Not failing: it is started again by itself, and the process ends where that does not help.
        checks += [(True, f"the task {task.name!r} failed and is about to start again") for task in paused]
        if not given_up:
            checks.append((True, "no background task was given up"))
        return Report.of(*checks)

    def _check_beat(self) -> tuple[bool, str]:
        if self._last is None:
            return True, "the event loop is about to be measured"
        age = (self._clock.now() - self._last).total_seconds()
        text = f"the event loop was last seen working {max(0.0, age):.1f} s ago"
        return age <= BEAT_EVERY + BEAT_LATE, text


class Readiness:
    """What this process needs to serve members, as those who know have set it."""

    def __init__(self) -> None:
        self.storage: Callable[[], Awaitable[bool]] | None = None  # whether it answers; None: not open yet
        self.gateway_ready = False
        self.commands_registered = False
        self.stopping = False
        self.standby: Callable[[], bool] | None = None  # whether another process works, and this one waits

    async def report(self) -> Report:
        """Return whether the process can serve members."""
        if self.stopping:
            return Report.of((False, "the bot is stopping"))
        if self.standby is not None and self.standby():
            # As "not ready", it would block an update that replaces one process by another.
            return Report(True, ("standby",))
        return Report.of(
            await self._check_storage(),
            (
                self.gateway_ready,
                "connected to Discord" if self.gateway_ready else "not connected to Discord",
            ),
            (
                self.commands_registered,
                f"the commands are {'' if self.commands_registered else 'not '}registered",
            ),
        )

    async def _check_storage(self) -> tuple[bool, str]:
        if self.storage is None:
            return False, "the database isn't open yet"
        answers = await self.storage()
        return answers, "the database answers" if answers else "the database doesn't answer"

"""A clock that runs faster than the world: the bot's process and the stand-ins read the same one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class WireClock:
    """Moves `speed` times as fast as the machine's clock since `epoch`, in every process alike."""

    speed: float = 1.0
    epoch: float = field(default_factory=time.time)

    def now(self) -> datetime:
        """Return the present moment of this clock."""
        return datetime.fromtimestamp(self.epoch + (time.time() - self.epoch) * self.speed, UTC)

    def shrink(self, seconds: float) -> float:
        """Return how long so many seconds of this clock last on the machine's."""
        return seconds / self.speed


async def until(condition: Callable[[], bool], what: str | Callable[[], str], seconds: float = 10.0) -> None:
    """Wait until the condition holds; fail with a sentence once the seconds have passed."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what if isinstance(what, str) else what()}")
        await asyncio.sleep(0.01)

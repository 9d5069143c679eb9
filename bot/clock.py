"""The time, passed in wherever something waits, so that tests and the demo can bring their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the bot needs of time."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait until the event is set or that many seconds have passed; None waits for the event alone."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(UTC)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait until the event is set or that many seconds have passed; None waits for the event alone."""
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass


def monotonic() -> float:
    """Return seconds that nobody sets, and that also pass while the process is stopped."""
    return time.monotonic()


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait that many seconds on this clock."""
    await clock.wait(asyncio.Event(), max(0.0, seconds))

"""A limited number of places to send from; whoever waits for a place gets it in turn."""

from __future__ import annotations

import asyncio
from collections import deque

from bot.clock import Clock
from bot.tasks import InFlight


class Places:
    """So many places, of which each that is taken counts as work in flight."""

    def __init__(self, clock: Clock, number: int, in_flight: InFlight) -> None:
        self._clock = clock
        self._free = number
        self._in_flight = in_flight
        self._waiting: deque[asyncio.Event] = deque()

    def take_at_once(self) -> bool:
        """Take a place if one is free this moment."""
        if not self._free:
            return False
        self._free -= 1
        self._in_flight.enter()
        return True

    async def take(self) -> None:
        """Take a place as soon as it is this caller's turn."""
        if self.take_at_once():
            return
        turn = asyncio.Event()
        self._waiting.append(turn)
        try:
            await self._clock.wait(turn, None)
        except asyncio.CancelledError:
            if turn.is_set():
                self.leave()
            else:
                self._waiting.remove(turn)
            raise

    def leave(self) -> None:
        """Give a place back, to whoever has waited longest."""
        if self._waiting:
            self._waiting.popleft().set()  # the place changes hands
        else:
            self._free += 1
            self._in_flight.leave()

"""A number of bytes of memory that many share."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class ByteBudget:
    """Lends bytes; who asks first gets them first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def lent(self) -> int:
        """Return how many bytes are lent at the moment."""
        return self._size - self._free

    def try_take(self, amount: int) -> bool:
        """Take so many bytes if they are free at once, and return whether they were."""
        if self._waiting or amount > self._free:
            return False
        self._free -= amount
        return True

    def give_back(self, amount: int) -> None:
        """Return so many bytes."""
        self._free += amount
        self._serve()

    @asynccontextmanager
    async def lend(self, amount: int) -> AsyncIterator[None]:
        """Wait for so many bytes and hold them; more than the whole counts as the whole."""
        amount = min(amount, self._size)
        if not self.try_take(amount):
            await self._wait(amount)
        try:
            yield
        finally:
            self.give_back(amount)

    async def _wait(self, amount: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (amount, turn)
        self._waiting.append(entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with contextlib.suppress(ValueError):
                    self._waiting.remove(entry)
                self._serve()  # it may have stood in front of a smaller one
            else:  # served at the same moment
                self.give_back(amount)
            raise

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            amount, turn = self._waiting.popleft()
            if turn.cancelled():
                continue
            self._free -= amount
            turn.set_result(None)

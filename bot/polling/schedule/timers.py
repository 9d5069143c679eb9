"""What is to be done when: the next moment of each of many things, without looking at all of them."""

from __future__ import annotations

import heapq
from datetime import datetime

SLACK = 64  # outdated entries that are not worth a clean-up


class TimerQueue:
    """Moments by key; what a moment costs does not grow with their number, but with its logarithm."""

    def __init__(self) -> None:
        self._moments: dict[int, datetime] = {}
        self._heap: list[tuple[datetime, int]] = []  # also holds outdated entries, until they come up

    def __len__(self) -> int:
        return len(self._moments)

    def __contains__(self, key: int) -> bool:
        return key in self._moments

    def put(self, key: int, moment: datetime) -> None:
        """Set the moment of a key in place of an earlier one."""
        if self._moments.get(key) == moment:
            return
        self._moments[key] = moment
        heapq.heappush(self._heap, (moment, key))
        if len(self._heap) > 2 * len(self._moments) + SLACK:
            self._heap = [(moment, key) for key, moment in self._moments.items()]
            heapq.heapify(self._heap)

    def remove(self, key: int) -> None:
        """Forget a key, if it is known."""
        self._moments.pop(key, None)

    def take_due(self, now: datetime) -> list[int]:
        """Remove and return every key whose moment has come, earliest first."""
        due = []
        while (moment := self.next()) is not None and moment <= now:
            _, key = heapq.heappop(self._heap)
            del self._moments[key]
            due.append(key)
        return due

    def next(self) -> datetime | None:
        """Return the earliest moment, None where there is none."""
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

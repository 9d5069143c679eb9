"""What members pressed a moment ago: one press is one deed, however nervous the finger."""

from __future__ import annotations

from datetime import datetime, timedelta

MOMENT = timedelta(seconds=5)  # in which the same press again is no second wish


class RecentPresses:
    """Remembers presses for a moment, and no longer."""

    def __init__(self) -> None:
        self._pressed: dict[tuple[int, str], tuple[datetime, int]] = {}  # oldest first

    def take(self, user_id: int, what: str, interaction_id: int, now: datetime) -> int | None:
        """Remember a press; where it repeats one of a moment ago, return the interaction of that one instead.

        Nothing here awaits: of two presses at the same moment only one is the first.
        """
        while self._pressed:
            oldest = next(iter(self._pressed))
            if now - self._pressed[oldest][0] < MOMENT:
                break
            del self._pressed[oldest]
        earlier = self._pressed.get((user_id, what))
        if earlier is not None:
            return earlier[1]
        self._pressed[user_id, what] = now, interaction_id
        return None

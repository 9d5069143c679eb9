"""What members did a moment ago: one click is one action, however nervous the finger."""

from __future__ import annotations

from datetime import datetime, timedelta

MOMENT = timedelta(seconds=5)  # in which the same click again is no second wish


class RecentActions:
    """Remembers actions for a moment, and no longer."""

    def __init__(self) -> None:
        self._actions: dict[tuple[int, str], tuple[datetime, int]] = {}  # oldest first

    def __len__(self) -> int:
        return len(self._actions)

    def take(self, user_id: int, what: str, interaction_id: int, now: datetime) -> int | None:
        """Remember an action; where it repeats one of a moment ago, return the interaction of that one.

        Nothing here awaits: of two clicks at the same moment only one is the first.
        """
        while self._actions:
            oldest = next(iter(self._actions))
            if now - self._actions[oldest][0] < MOMENT:
                break
            del self._actions[oldest]
        earlier = self._actions.get((user_id, what))
        if earlier is not None:
            return earlier[1]
        self._actions[user_id, what] = now, interaction_id
        return None

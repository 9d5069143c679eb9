"""What moderators decide about a server: values and rules, without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

REASON_MAX = 300  # characters; the member reads it in one message with everything else


@dataclass(frozen=True, slots=True)
class Block:
    """That a member may make no videos in a server."""

    guild_id: int
    user_id: int
    by_id: int  # the moderator
    at: datetime
    until: datetime | None = None  # None: until a moderator ends it
    reason: str = ""

    def has_ended(self, now: datetime) -> bool:
        """Tell whether its time is over."""
        return self.until is not None and self.until <= now

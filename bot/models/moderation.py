"""What moderators decide about a server: values and rules, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


ENTRY_MAX = 200  # characters of a word or a pattern
ENTRIES_MAX = 200  # of a server


class EntryKind(StrEnum):
    """How an entry of a filter is compared. The values are stored."""

    WORD = "word"  # a whole word, or several in a row
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class FilterEntry:
    """What no prompt may have in it."""

    text: str
    kind: EntryKind = EntryKind.WORD


@dataclass(frozen=True, slots=True)
class FilterHit:
    """What a text has in it that it may not."""

    entries: Sequence[FilterEntry] = ()  # of the server's own list
    by_operator: bool = False  # the list of whoever runs the bot has something in it, too or only

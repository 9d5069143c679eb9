"""What moderators decide about a server: values and rules, without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.models.languages import Language

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


class EntryProblem(StrEnum):
    """Why something can't be an entry of a filter."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    NO_LETTER = "no_letter"
    FITS_EVERYTHING = "fits_everything"
    UNSAVABLE = "unsavable"
    PATTERN = "pattern"  # the library says what is wrong with it, in English


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


class AgeRule(StrEnum):
    """How videos are shown outside of age-restricted channels. The values are stored."""

    SHOWN = "shown"
    COVERED = "covered"  # as a spoiler
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the managers of a server chose."""

    log_channel_id: int | None = None
    log_broken: bool = False  # the last attempt to write there failed
    age: AgeRule = AgeRule.SHOWN
    language: Language | None = None  # of what everyone sees; None: the server's own in Discord


class ChangeKind(StrEnum):
    """What a moderator changed. The values are stored."""

    QUOTA = "quota"
    USAGE = "usage"
    BUDGET = "budget"
    PAUSE = "pause"
    BLOCK = "block"
    FILTER = "filter"
    LOG = "log"
    AGE = "age"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Who changed which rule of a server, from what to what; in the words that moderators read."""

    guild_id: int
    by_id: int
    at: datetime
    kind: ChangeKind
    target: str = ""  # whom or what it is about
    before: str = ""  # empty: nothing
    after: str = ""

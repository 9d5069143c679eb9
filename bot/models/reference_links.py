"""How references reach the provider: by Discord's links, or uploaded to the provider's own storage."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

FAILURES_MAX = 3  # requests whose links the provider could not read, ...
FAILURES_WITHIN = timedelta(minutes=30)  # ... in such a time: then all others would likely fail as well
UPLOADS_FIRST = timedelta(hours=1)  # twice as long each time that links still don't work afterwards
UPLOADS_FIRST_MAX = timedelta(hours=24)


class ReferencesVia(StrEnum):
    """What an operator chose. The values are settings: never rename one."""

    AUTO = "auto"  # by links; uploaded where the provider could not read one
    LINK = "link"  # only by links
    UPLOAD = "upload"  # only uploaded


class LinkStage(StrEnum):
    """Which links a job's next or last POST has. The values are stored: never rename one."""

    GIVEN = "given"  # Discord's, as they are
    TO_UPLOAD = "to_upload"  # nothing is sent before the files are uploaded
    UPLOADED = "uploaded"  # the provider's own


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """Whether the provider reads Discord's links: after several failures uploads come first for a while.

    Once that while is over, links are tried again: the next failure prolongs it, a video ends it.
    """

    failures: tuple[datetime, ...] = ()
    uploads_until: datetime | None = None
    rounds: int = 0  # how often in a row links were set aside

    def uploads_first(self, now: datetime) -> bool:
        """Return whether files are uploaded before anything is sent."""
        return self.uploads_until is not None and now < self.uploads_until

    def failed(self, now: datetime) -> Self:
        """Return how it stands after a request whose links the provider could not read."""
        if self.uploads_first(now):
            return self  # it was sent before links were set aside
        recent = (*(moment for moment in self.failures if now - moment < FAILURES_WITHIN), now)
        if not self.rounds and len(recent) < FAILURES_MAX:
            return replace(self, failures=recent)
        pause = min(UPLOADS_FIRST * 2 ** min(self.rounds, 10), UPLOADS_FIRST_MAX)
        return replace(self, failures=(), uploads_until=now + pause, rounds=self.rounds + 1)

    def worked(self, now: datetime) -> Self:
        """Return how it stands after a video that was made from Discord's links."""
        return self if self.uploads_first(now) else type(self)()

    def dump(self) -> str:
        """Return it as a text."""
        until = self.uploads_until and self.uploads_until.isoformat()
        return json.dumps([[moment.isoformat() for moment in self.failures], until, self.rounds])

    @classmethod
    def load(cls, text: str | None) -> Self:
        """Return what a text says; one that makes no sense says that nothing failed."""
        try:
            failures, until, rounds = json.loads(text or "")
            moments = tuple(_moment(moment) for moment in failures)
            return cls(moments, None if until is None else _moment(until), max(0, int(rounds)))
        except (ValueError, TypeError, OverflowError):
            return cls()


def _moment(text: str) -> datetime:
    """Return a moment that can be compared with others. Raises ValueError, TypeError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment

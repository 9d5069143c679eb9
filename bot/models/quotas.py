"""The values of quotas: rules, whom they are for, what was used, and which limit a request does not fit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST = timedelta(days=30)
ATTEMPTS_PER = timedelta(hours=1)  # GMI limits video models in requests an hour and organisation
_LENGTHS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": LONGEST,
}


class Period(StrEnum):
    """How far back a rule looks."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def length(self) -> timedelta:
        """Return how long it is; a month has 30 days."""
        return _LENGTHS[self.value]


class Scope(StrEnum):
    """Whom a rule is for."""

    MEMBER = "member"
    ROLE = "role"
    SERVER = "server"
    OPERATOR = "operator"


class ExceededLimit(StrEnum):
    """Which limit a request does not fit."""

    VIDEOS = "videos"
    SECONDS = "seconds"
    RUNNING = "running"
    ATTEMPTS = "attempts"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Rule:
    """How many videos and how many seconds of video a period allows; None is unlimited, 0 blocks."""

    videos: int | None
    seconds: int | None
    per: Period = Period.DAY

    def __post_init__(self) -> None:
        if min(self.videos or 0, self.seconds or 0) < 0:
            raise ValueError("a quota cannot be negative")

    @property
    def blocks(self) -> bool:
        """Return whether nothing at all is allowed."""
        return self.videos == 0 or self.seconds == 0


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """A rule and whom it was set for."""

    rule: Rule
    scope: Scope
    target_id: int | None


@dataclass(frozen=True, slots=True)
class QuotaStatus:
    """What a member has used of the rule that applies."""

    effective: EffectiveRule
    used_videos: int
    used_seconds: int
    running: int
    running_max: int
    next_slot: datetime | None  # when the oldest use has left the period
    attempts: int = 0  # that came to nothing, in the last hour
    attempts_max: int | None = None

    @property
    def left_videos(self) -> int | None:
        """Return how many videos are left, None if they are not limited."""
        return _left(self.effective.rule.videos, self.used_videos)

    @property
    def left_seconds(self) -> int | None:
        """Return how many seconds are left, None if they are not limited."""
        return _left(self.effective.rule.seconds, self.used_seconds)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a member has used within a period."""

    user_id: int
    videos: int
    seconds: int
    running: int


class QuotaExceeded(Exception):  # noqa: N818 - it names what happened
    """A request does not fit. `frees` tells when it will, None where time alone does not help."""

    def __init__(
        self,
        status: QuotaStatus,
        exceeded: ExceededLimit,
        needed_seconds: int,
        frees: datetime | None = None,
    ) -> None:
        super().__init__(f"quota exceeded: {exceeded}")
        self.status = status
        self.exceeded = exceeded
        self.needed_seconds = needed_seconds
        self.frees = frees


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)

"""The values of quotas: rules, whom they are for, what was used, and which limit a request does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

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
    at_once: int | None = None  # videos that may be in progress; never more than the operator allows

    def __post_init__(self) -> None:
        if min(self.videos or 0, self.seconds or 0) < 0:
            raise ValueError("a quota cannot be negative")
        if self.at_once is not None and self.at_once < 1:
            raise ValueError("at least one video must be allowed to be in progress")

    @property
    def limits(self) -> bool:
        """Return whether there is a limit at all to what the period allows."""
        return self.videos is not None or self.seconds is not None

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


class LimitExceeded(Exception):  # noqa: N818 - it names what happened
    """A request is not allowed now. `frees` tells when it will be, None where time alone does not help."""

    def __init__(self, text: str, frees: datetime | None) -> None:
        super().__init__(text)
        self.frees = frees


class QuotaExceeded(LimitExceeded):
    """A request does not fit its member's quota."""

    def __init__(
        self,
        status: QuotaStatus,
        exceeded: ExceededLimit,
        needed_seconds: int,
        frees: datetime | None = None,
    ) -> None:
        super().__init__(f"quota exceeded: {exceeded}", frees)
        self.status = status
        self.exceeded = exceeded
        self.needed_seconds = needed_seconds


class Spent(Protocol):
    """One video that counts."""

    @property
    def at(self) -> datetime:
        """Return when it was asked for."""

    @property
    def seconds(self) -> int:
        """Return how long it is."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """Which limit of a rule a request exceeds, and when it will fit; None where time does not help."""

    exceeded: ExceededLimit
    frees: datetime | None


def shortage(rule: Rule, uses: Sequence[Spent], needed: int) -> Shortage | None:
    """Return why a video of so many seconds does not fit beside these uses, oldest first; None if it does."""
    if rule.blocks:
        return Shortage(ExceededLimit.BLOCKED, None)
    if rule.seconds is not None and needed > rule.seconds:
        return Shortage(ExceededLimit.SECONDS, None)
    videos, seconds = len(uses), sum(use.seconds for use in uses)
    found: Shortage | None = None
    for use in uses:
        if (exceeded := _exceeded(rule, videos, seconds + needed)) is None:
            break
        frees = use.at + rule.per.length
        # The limit that lifts last is the one to name; what was used at the same moment frees together.
        if found is None or found.frees != frees:
            found = Shortage(exceeded, frees)
        videos, seconds = videos - 1, seconds - use.seconds
    return found


def _exceeded(rule: Rule, used_videos: int, seconds: int) -> ExceededLimit | None:
    if rule.videos is not None and used_videos >= rule.videos:
        return ExceededLimit.VIDEOS
    if rule.seconds is not None and seconds > rule.seconds:
        return ExceededLimit.SECONDS
    return None


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)

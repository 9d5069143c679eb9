"""Budgets: what everybody in a place may use together.

The operator sets ceilings for the whole bot, for any one server and for all direct messages together. Within
them the moderators of a server may set a budget of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction

from bot.models.quotas import ExceededLimit, LimitExceeded, Rule, Spent, shortage
from bot.models.requests import DURATION_DEFAULT

UNLIMITED = Rule(None, None)


class BudgetScope(StrEnum):
    """What a budget counts, and who sets it. The values are stored: never rename one."""

    BOT = "bot"  # the operator: everything that this bot makes
    SERVER = "server"  # the operator: any one server
    DIRECT = "direct"  # the operator: direct messages and user installs, all together
    OWN = "own"  # its moderators: one server


class WarningLevel(IntEnum):
    """How much of a budget is used when somebody is told, in percent."""

    NEARLY = 80
    FULL = 100


@dataclass(frozen=True, slots=True)
class Ceilings:
    """What the operator allows at most."""

    bot: Rule = UNLIMITED
    server: Rule = UNLIMITED
    direct: Rule = UNLIMITED


@dataclass(frozen=True, slots=True)
class Price:
    """What a second of video costs the operator."""

    per_second: Decimal
    currency: str

    def of(self, seconds: int) -> Decimal:
        """Return what so many seconds cost."""
        return self.per_second * seconds


@dataclass(frozen=True, slots=True)
class ServerBudget:
    """What the moderators of a server allow all its members together."""

    rule: Rule = UNLIMITED
    paused: bool = False  # nobody may start a video there


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit, and what counts towards it."""

    scope: BudgetScope
    rule: Rule
    guild_id: int | None = None  # the server that is counted, where only one is


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """What has been used of a budget."""

    budget: Budget
    used_videos: int
    used_seconds: int
    next_slot: datetime | None = None  # when the oldest use has left the period

    @property
    def used_share(self) -> Fraction:
        """Return the used share of whichever limit is closer: 1 where it is used up."""
        rule = self.budget.rule
        limits = ((self.used_videos, rule.videos), (self.used_seconds, rule.seconds))
        shares = [_share(used, limit) for used, limit in limits if limit is not None]
        return max(shares, default=Fraction(0))

    @property
    def level(self) -> WarningLevel | None:
        """Return the warning that is due at this share."""
        reached = [level for level in WarningLevel if self.used_share * 100 >= level]
        return max(reached, default=None)


class BudgetExceeded(LimitExceeded):
    """A request does not fit a budget. `frees` tells when it will, None where time alone does not help."""

    def __init__(
        self, status: BudgetStatus, exceeded: ExceededLimit, needed_seconds: int, frees: datetime | None
    ) -> None:
        super().__init__(f"budget exceeded: {status.budget.scope}, {exceeded}", frees)
        self.status = status
        self.exceeded = exceeded
        self.needed_seconds = needed_seconds


class ServerPaused(LimitExceeded):
    """The moderators of the server have paused it."""

    def __init__(self) -> None:
        super().__init__("the server is paused", None)


def status_of(budget: Budget, uses: Sequence[Spent]) -> BudgetStatus:
    """Return the status of a budget with these uses in its period, oldest first."""
    next_slot = uses[0].at + budget.rule.per.length if uses else None
    return BudgetStatus(budget, len(uses), sum(use.seconds for use in uses), next_slot)


def find_exceeded(budget: Budget, uses: Sequence[Spent], needed: int) -> BudgetExceeded | None:
    """Return why a video of so many seconds does not fit beside these uses, oldest first; None if it does."""
    short = shortage(budget.rule, uses, needed)
    if short is None:
        return None
    return BudgetExceeded(status_of(budget, uses), short.exceeded, needed, short.frees)


def cutting(rule: Rule, budgets: Sequence[Budget]) -> Budget | None:
    """Return the first of these budgets that ends sooner than the rule, so that it cannot be used up."""
    return next((budget for budget in budgets if _cuts(budget.rule, rule)), None)


def _cuts(ceiling: Rule, rule: Rule) -> bool:
    """Tell whether a rule allows more than a ceiling does, within the ceiling's period."""
    # A rule with the longer period may be used up at once; one with the shorter comes several times.
    hours = timedelta(hours=1)
    times = max(Fraction(1), Fraction(ceiling.per.length // hours, rule.per.length // hours))
    videos = None if rule.videos is None else rule.videos * times
    seconds = None if rule.seconds is None else rule.seconds * times
    if seconds is None and videos is not None:
        seconds = videos * DURATION_DEFAULT
    elif videos is None and seconds is not None:
        videos = seconds / DURATION_DEFAULT
    return _is_above(videos, ceiling.videos) or _is_above(seconds, ceiling.seconds)


def _share(used: int, limit: int) -> Fraction:
    return Fraction(used, limit) if limit else Fraction(1)


def _is_above(allowed: Fraction | None, limit: int | None) -> bool:
    if limit is None:
        return False
    return allowed is None or allowed > limit

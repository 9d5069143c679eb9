"""What helps a member whose request a limit refused."""

from __future__ import annotations

from enum import Enum, auto

from bot.models.budgets import BudgetExceeded, BudgetScope
from bot.models.quotas import ExceededLimit, LimitExceeded, QuotaExceeded
from bot.models.requests import DURATION_MIN


class Remedy(Enum):
    """What a member can do after a refusal."""

    CHANGE = auto()  # another request fits
    RETRY = auto()  # the same request fits later, or after a moderator has changed something
    NONE = auto()


def remedy_for(error: LimitExceeded) -> Remedy:
    """Return what helps after a refusal by a limit."""
    match error:
        case QuotaExceeded(exceeded=ExceededLimit.BLOCKED):
            return Remedy.NONE
        case BudgetExceeded(exceeded=ExceededLimit.BLOCKED):
            # The operator's limit is a setting: nobody changes it while a member waits.
            own = error.status.budget.scope is BudgetScope.OWN
            return Remedy.RETRY if own else Remedy.NONE
        case QuotaExceeded(exceeded=ExceededLimit.SECONDS) | BudgetExceeded(exceeded=ExceededLimit.SECONDS):
            shorter = error.frees is None or shorter_fits(error) is not None
            return Remedy.CHANGE if shorter else Remedy.RETRY
        case _:
            return Remedy.RETRY


def shorter_fits(error: QuotaExceeded | BudgetExceeded) -> int | None:
    """Return how many seconds the limit still has for a shorter video; None where none fits."""
    left_videos, left_seconds = error.status.left_videos, error.status.left_seconds
    if left_videos == 0 or left_seconds is None or left_seconds < DURATION_MIN:
        return None
    return left_seconds

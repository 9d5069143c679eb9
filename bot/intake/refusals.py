"""Why a request is refused: what its member reads, what helps, and codes that can be counted.

A code is one of few, and holds no value of the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.jobs.submission.submit_gate import SubmitClosed
from bot.models.budgets import BudgetExceeded, ServerPaused
from bot.models.problems import Problem
from bot.models.quotas import LimitExceeded, QuotaExceeded
from bot.models.remedies import Remedy, remedy_for
from bot.ui.texts import answers as texts
from bot.ui.texts import cast as cast_texts
from bot.ui.texts.budgets import limit_exceeded
from bot.ui.texts.problems import problem_list_text

NOT_ALLOWED = "not_allowed"  # the operator doesn't allow the bot there


@dataclass(frozen=True, slots=True)
class Refusal:
    """What stands in a request's way."""

    text: str
    remedy: Remedy
    codes: Sequence[str]


def problems_found(problems: Sequence[Problem]) -> Refusal:
    """Return the refusal of a request that is to be changed."""
    return Refusal(problem_list_text(problems), Remedy.CHANGE, [problem.code for problem in problems])


def limit_in_the_way(error: LimitExceeded) -> Refusal:
    """Return the refusal of a request that does not fit a limit."""
    return Refusal(limit_exceeded(error), remedy_for(error), [_limit_code(error)])


def nothing_submitted(closed: SubmitClosed) -> Refusal:
    """Return the refusal of every request while GMI Cloud takes none."""
    return Refusal(texts.submit_closed(closed.reason), Remedy.RETRY, [f"gate_{closed.reason}"])


def cast_not_uploaded() -> Refusal:
    """Return the refusal of a request whose saved references the provider can't get just now."""
    return Refusal(cast_texts.not_uploaded(), Remedy.RETRY, ["cast_not_uploaded"])


def restarting() -> Refusal:
    """Return the refusal of a request that came while the bot stops."""
    return Refusal(texts.restarting(), Remedy.RETRY, ["restarting"])


def _limit_code(error: LimitExceeded) -> str:
    match error:
        case QuotaExceeded():
            return f"quota_{error.exceeded}"
        case BudgetExceeded():
            return f"budget_{error.status.budget.scope}"
        case ServerPaused():
            return "server_paused"
    return "limit"

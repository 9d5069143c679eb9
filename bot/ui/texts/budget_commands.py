"""What `/quota` answers to moderators about a server's budget and its pause."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.budgets import Budget, BudgetScope, BudgetStatus, Price
from bot.models.quotas import Rule
from bot.ui.formatting import labeled
from bot.ui.texts.budgets import budget_name, status_line
from bot.ui.texts.quotas import PARAGRAPH, allowance
from bot.ui.translator import _


def no_budget_amount() -> str:
    """Return that a budget needs an amount."""
    return "❌ " + _(
        "Set `videos`, `seconds` of video, or both. 0 blocks everyone, and `unlimited` removes the budget."
    )


def budget_set(rule: Rule, before: Rule) -> str:
    """Return that a server's budget was set, and what it was before."""
    text = _("This server's budget for all members together: {allowance}. Effective now.")
    return "\n".join(
        ["✅ " + text.format(allowance=allowance(rule)), _("Before: {before}.").format(before=_limit(before))]
    )


def budget_removed(before: Rule) -> str:
    """Return that a server has no budget of its own any more."""
    text = _("Removed this server's budget. It was: {before}.")
    return "✅ " + text.format(before=allowance(before))


def no_budget_to_remove() -> str:
    """Return that there was no budget to remove."""
    return _("This server has no budget of its own. Nothing has changed.")


def budget_shown(statuses: Sequence[BudgetStatus], price: Price | None) -> list[str]:
    """Return what all members of a server may use together, and what is used of it."""
    lines = ["💰 " + _("**Budget of this server**")]
    if not any(status.budget.scope is BudgetScope.OWN for status in statuses):
        lines.append(
            _("This server has no budget of its own. To set one, add `videos` or `seconds` to the command.")
        )
    return [*lines, *used_lines(statuses, price)]


def used_lines(statuses: Sequence[BudgetStatus], price: Price | None) -> list[str]:
    """Return what is used of each budget."""
    if not statuses:
        return []
    lines = [f"- {status_line(status, price)}" for status in statuses]
    return [PARAGRAPH, _("**Used by all members together**"), *lines]


def budget_lines(own: Rule, budgets: Sequence[Budget]) -> list[str]:
    """Return what all members of a server may use together: its own budget, and what else limits it."""
    lines = [_("**All members together**"), _line(BudgetScope.OWN, own)]
    return lines + [
        _line(budget.scope, budget.rule) for budget in budgets if budget.scope is not BudgetScope.OWN
    ]


def is_paused() -> str:
    """Return that a server is paused, to stand above what else is shown."""
    return "⏸️ " + _("**New videos are paused in this server.** To allow them again, use `/quota resume`.")


def paused(changed: bool) -> str:
    """Return that new videos are paused."""
    if not changed:
        return "⏸️ " + _(
            "New videos are already paused in this server, so nothing has changed. "
            "To allow them again, use `/quota resume`."
        )
    return "⏸️ " + _(
        "Paused. Nobody can start a new video in this server. Videos in progress will be finished. "
        "To allow new ones again, use `/quota resume`."
    )


def resumed(changed: bool) -> str:
    """Return that members can start videos."""
    if not changed:
        return "▶️ " + _("New videos aren't paused in this server, so nothing has changed.")
    return "▶️ " + _("Members can make videos in this server again.")


def _line(scope: BudgetScope, rule: Rule) -> str:
    return "- " + labeled(budget_name(scope), _limit(rule))


def _limit(rule: Rule) -> str:
    return allowance(rule) if rule.limits else _("no limit")

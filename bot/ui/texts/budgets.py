"""What members, moderators and the operator read about budgets."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bot.models.budgets import (
    BudgetExceeded,
    BudgetScope,
    BudgetStatus,
    Ceilings,
    Price,
    ServerPaused,
    WarningLevel,
)
from bot.models.languages import Language
from bot.models.quotas import ExceededLimit, LimitExceeded, QuotaExceeded, Rule
from bot.models.remedies import shorter_fits
from bot.ui import formatting
from bot.ui.texts.quotas import allowance, left_for_shorter, per, quota_exceeded, seconds_of_video
from bot.ui.translator import N_, _, speaking

_NOTHING_SENT = N_("Nothing was sent, and this doesn't count towards your quota.")
_NAMES = {
    BudgetScope.OWN: N_("This server's budget"),
    BudgetScope.SERVER: N_("This bot's limit for each server"),
    BudgetScope.DIRECT: N_("This bot's limit for direct messages"),
    BudgetScope.BOT: N_("This bot's total limit"),
}
_SETTINGS = {
    BudgetScope.SERVER: "BUDGET_SERVER_SECONDS, BUDGET_SERVER_VIDEOS",
    BudgetScope.DIRECT: "BUDGET_DIRECT_SECONDS",
    BudgetScope.BOT: "BUDGET_SECONDS, BUDGET_VIDEOS",
}


def limit_exceeded(error: LimitExceeded) -> str:
    """Return why a request is not allowed now, and when it will be."""
    match error:
        case QuotaExceeded():
            text = quota_exceeded(error)
        case BudgetExceeded():
            text = f"⏳ {_budget_exceeded(error)}"
        case ServerPaused():
            text = "⏸️ " + _("A moderator has paused new videos in this server. Please try again later.")
        case _:
            raise TypeError(type(error).__name__)
    return formatting.sentences([text, _(_NOTHING_SENT)])


def budget_name(scope: BudgetScope) -> str:
    """Return what a budget is called."""
    return _(_NAMES[scope])


def status_line(status: BudgetStatus, price: Price | None) -> str:
    """Return what is used of a budget, what that costs, and when there is more."""
    used = with_cost(_used(status), price, status.used_seconds)
    sentences = [_("{name}: {used}.").format(name=budget_name(status.budget.scope), used=used)]
    if status.next_slot is not None and status.used_share >= 1:
        sentences.append(_room_again(status.next_slot))
    return formatting.sentences(sentences)


def warning_line(level: WarningLevel, status: BudgetStatus, price: Price | None) -> str:
    """Return for moderators that so much of a budget was used."""
    if level is WarningLevel.FULL:
        text = _("This server reached a limit. {status}")
    else:
        text = _("This server has used at least {percent} of a limit. {status}")
    return "⚠️ " + text.format(percent=formatting.percent(level), status=status_line(status, price))


def with_cost(amount: str, price: Price | None, seconds: int) -> str:
    """Return what was made, and what so many seconds of video cost, where that is known."""
    if price is None:
        return amount
    so_far = _("about {cost} so far").format(cost=cost(price.of(seconds), price.currency))
    return formatting.bracketed(amount, so_far)


def cost(amount: Decimal, currency: str) -> str:
    """Return an amount of money, rounded up to its hundredth so that it never reads too low."""
    rounded = amount.quantize(Decimal("0.01"), rounding="ROUND_UP")
    return f"{formatting.amount(rounded)} {currency}"


def log_line(level: WarningLevel, status: BudgetStatus, price: Price | None) -> str:
    """Return for the operator's log that so much of a budget is used, and where to change it."""
    with speaking(Language.ENGLISH):
        return _log_line(level, status, price)


def _log_line(level: WarningLevel, status: BudgetStatus, price: Price | None) -> str:
    budget = status.budget
    place = "" if budget.guild_id is None else f" (server {budget.guild_id})"
    money = "" if price is None else f", about {cost(price.of(status.used_seconds), price.currency)}"
    change = _SETTINGS.get(budget.scope, "/quota budget")
    state = "is used up" if level is WarningLevel.FULL else f"is {int(level)}% used"
    return f"{_NAMES[budget.scope]}{place} {state}: {_used(status)}{money}. To change it: {change}"


def ceilings_in_force(ceilings: Ceilings) -> str:
    """Return for the operator's log what all members together may make, and where to change it."""
    with speaking(Language.ENGLISH):
        bot, server, direct = map(allowance, (ceilings.bot, ceilings.server, ceilings.direct))
    return (
        f"At most, everyone together: {bot}; each server: {server}; "
        f"direct messages: {direct}. To change it, set BUDGET_SECONDS, BUDGET_VIDEOS, "
        "BUDGET_SERVER_SECONDS, BUDGET_SERVER_VIDEOS, BUDGET_DIRECT_SECONDS or BUDGET_PER"
    )


def _budget_exceeded(error: BudgetExceeded) -> str:
    scope = error.status.budget.scope
    if error.exceeded is ExceededLimit.BLOCKED:
        if scope is BudgetScope.OWN:
            return _("This server's budget allows no videos. A moderator can change that.")
        return _("The people who run this bot don't allow videos here.")
    if error.frees is None:
        text = _("{name} only allows videos of up to {length}.")
        longest = formatting.seconds(error.status.budget.rule.seconds or 0)
        return text.format(name=budget_name(scope), length=longest)
    sentences = [_is_used_up(error)]
    if error.exceeded is ExceededLimit.SECONDS and (seconds := shorter_fits(error)) is not None:
        sentences.append(left_for_shorter(seconds))
    sentences.append(_room_again(error.frees))
    return formatting.sentences(sentences)


def _room_again(moment: datetime) -> str:
    return _("There's room again {when}.").format(when=formatting.relative(moment))


def _is_used_up(error: BudgetExceeded) -> str:
    if error.exceeded is not ExceededLimit.SECONDS:
        text = _("{name} is used up: {used}.")
    elif error.status.left_seconds:
        text = _("{name} is nearly used up: {used}, and this video needs {needed}.")
    else:
        text = _("{name} is used up: {used}, and this video needs {needed}.")
    return text.format(
        name=budget_name(error.status.budget.scope),
        used=_used(error.status),
        needed=formatting.seconds(error.needed_seconds),
    )


def _used(status: BudgetStatus) -> str:
    """Return how much of each limit of a budget is used."""
    rule: Rule = status.budget.rule
    of_limit = N_("{used} of {limit}")
    parts = []
    if rule.videos is not None:
        used = formatting.number(status.used_videos)
        parts.append(_(of_limit).format(used=used, limit=formatting.videos(rule.videos)))
    if rule.seconds is not None:
        used = formatting.number(status.used_seconds)
        parts.append(_(of_limit).format(used=used, limit=seconds_of_video(rule.seconds)))
    return _("{amount} {period}").format(amount=formatting.listed(parts), period=per(rule.per))

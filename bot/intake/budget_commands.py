"""What the subcommands of `/quota` do about the budget and the pause of a server, and what they answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bot.models.budgets import UNLIMITED, Budget, BudgetScope, BudgetStatus, Price, cutting
from bot.models.moderation import ChangeKind
from bot.models.quota_options import LimitOptions, OptionsProblem, OptionsRefused
from bot.models.quotas import Rule
from bot.moderation.audit_log import AuditLog
from bot.quotas.service import QuotaService
from bot.ui.texts import budget_commands as texts
from bot.ui.texts import quota_commands as quota_command_texts
from bot.ui.texts.quotas import allowance

log = logging.getLogger(__name__)


class BudgetCommands:
    """Does what moderators want of all members together. `by` is who asks."""

    def __init__(self, quotas: QuotaService, audit_log: AuditLog, price: Price | None) -> None:
        self._quotas = quotas
        self._audit_log = audit_log
        self._price = price

    async def budget(self, guild_id: int, by: int, options: LimitOptions) -> str:
        """Set, remove or show what all members of a server may use together."""
        if options.empty:
            return "\n".join(texts.budget_shown(budgets_of_server(self._quotas, guild_id), self._price))
        try:
            rule = options.apply(None)
        except OptionsRefused as refused:
            if refused.problem is OptionsProblem.NO_AMOUNT:
                return texts.no_budget_amount()
            return quota_command_texts.options_refused(refused.problem)
        return await self._set_budget(guild_id, by, rule if rule.limits else UNLIMITED)

    async def pause(self, guild_id: int, by: int) -> str:
        """Stop new videos in a server."""
        return texts.paused(await self._set_paused(guild_id, by, True))

    async def resume(self, guild_id: int, by: int) -> str:
        """Let members start videos again."""
        return texts.resumed(await self._set_paused(guild_id, by, False))

    async def _set_paused(self, guild_id: int, by: int, paused: bool) -> bool:
        """Pause a server or let it go on; tell whether that changed anything."""
        changed = await self._quotas.set_paused(guild_id, paused)
        log.info("Server %s: %s %s it", guild_id, by, "paused" if paused else "resumed")
        if changed:
            with self._audit_log.speaking(guild_id):
                before, after = (quota_command_texts.pause_state(value) for value in (not paused, paused))
                await self._audit_log.record(guild_id, by, ChangeKind.PAUSE, before=before, after=after)
        return changed

    async def _set_budget(self, guild_id: int, by: int, rule: Rule) -> str:
        before = await self._quotas.set_budget(guild_id, rule)
        log.info("Server %s: %s set its budget to %s", guild_id, by, rule)
        if before != rule:
            with self._audit_log.speaking(guild_id):
                old, new = (allowance(value) if value.limits else "" for value in (before, rule))
                await self._audit_log.record(guild_id, by, ChangeKind.BUDGET, before=old, after=new)
        if rule.limits:
            first = texts.budget_set(rule, before)
        elif before.limits:
            first = texts.budget_removed(before)
        else:
            first = texts.no_budget_to_remove()
        others = budgets_that_cut(self._quotas, guild_id, rule, own=False)
        used = texts.used_lines(budgets_of_server(self._quotas, guild_id), self._price)
        return "\n".join([first, *quota_command_texts.cut_by(others), *used])


def budgets_that_cut(quotas: QuotaService, guild_id: int, rule: Rule, *, own: bool = True) -> list[Budget]:
    """Return the budgets that end sooner than a rule, the server's own only if it is asked for."""
    budgets = [status.budget for status in quotas.budgets_in_force(guild_id)]
    return [
        budget
        for budget in budgets
        if (own or budget.scope is not BudgetScope.OWN) and cutting(rule, [budget]) is not None
    ]


def budgets_of_server(quotas: QuotaService, guild_id: int) -> Sequence[BudgetStatus]:
    """Return the budgets of a server that are its moderators' business: not what others use."""
    statuses = quotas.budgets_in_force(guild_id)
    return [status for status in statuses if status.budget.scope is not BudgetScope.BOT]

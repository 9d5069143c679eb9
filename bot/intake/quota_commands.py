"""What the subcommands of `/quota` do about rules and usage, and what they answer."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import discord

from bot.intake.budget_commands import budgets_of_server, budgets_that_cut
from bot.models.budgets import Price
from bot.models.moderation import ChangeKind
from bot.models.quota_options import LimitOptions, OptionsRefused
from bot.models.quotas import EffectiveRule, Period, Scope
from bot.moderation.audit_log import AuditLog
from bot.quotas.service import QuotaService
from bot.ui.texts import budget_commands as budget_command_texts
from bot.ui.texts import quota_commands as quota_command_texts
from bot.ui.texts.budgets import warning_line
from bot.ui.texts.quotas import allowance

log = logging.getLogger(__name__)

Person = discord.User | discord.Member  # who left the server is a user only; quotas go by the id


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a rule is for."""

    scope: Scope
    id: int | None
    role_ids: tuple[int, ...] = ()  # of a member who is there
    left: bool = False  # the member is not in the server any more
    bot: bool = False  # it makes no videos

    @property
    def name(self) -> str:
        """Return what a moderator reads for it."""
        name = quota_command_texts.target_name(self.scope, self.id)
        return quota_command_texts.not_here(name) if self.left else name


def target_of(member: Person | None, role: discord.Role | None) -> Target:
    """Return the target that a moderator chose; without a member or a role it is the whole server."""
    if member is not None:
        is_here = isinstance(member, discord.Member)
        roles = tuple(role.id for role in member.roles) if isinstance(member, discord.Member) else ()
        return Target(Scope.MEMBER, member.id, roles, left=not is_here, bot=member.bot)
    # The role that everybody has is the server's default by another name.
    if role is not None and not role.is_default():
        return Target(Scope.ROLE, role.id, bot=role.is_bot_managed())
    return Target(Scope.SERVER, None)


class QuotaCommands:
    """Does what moderators want of rules and usage, and puts the answer into words. `by` is who asks."""

    def __init__(
        self, quotas: QuotaService, audit_log: AuditLog, running_max: int, price: Price | None
    ) -> None:
        self._quotas = quotas
        self._audit_log = audit_log
        self._running_max = running_max
        self._price = price

    async def set_rule(self, guild_id: int, by: int, target: Target, options: LimitOptions) -> str:
        """Set a rule."""
        texts = quota_command_texts
        if target.bot:
            return texts.is_bot(target.scope, target.id)
        instead = None if target.scope is Scope.ROLE else self._effective(guild_id, target)
        try:
            before, rule = await self._quotas.change_rule(guild_id, target.scope, target.id, options.apply)
        except OptionsRefused as refused:
            return texts.options_refused(refused.problem)
        log.info("Server %s: %s set %s %s to %s", guild_id, by, target.scope, target.id, rule)
        with self._audit_log.speaking(guild_id):
            old, new = "" if before is None else allowance(before), allowance(rule)
            await self._audit_log.record(
                guild_id, by, ChangeKind.QUOTA, target=target.name, before=old, after=new
            )
        was = texts.before_in_words(before, instead)
        lines = [
            texts.rule_set(target.name, rule, was),
            *texts.cut_by(budgets_that_cut(self._quotas, guild_id, rule)),
        ]
        if rule.at_once is not None and rule.at_once > self._running_max:
            lines.append(texts.at_once_cut(self._running_max))
        return "\n".join(lines)

    async def clear_rule(self, guild_id: int, by: int, target: Target) -> str:
        """Remove a rule."""
        before = await self._quotas.clear_rule(guild_id, target.scope, target.id)
        if before is None:
            return quota_command_texts.no_rule(target.scope, target.id)
        with self._audit_log.speaking(guild_id):
            await self._audit_log.record(
                guild_id, by, ChangeKind.QUOTA, target=target.name, before=allowance(before)
            )
        log.info("Server %s: %s cleared %s %s", guild_id, by, target.scope, target.id)
        effective = self._effective(guild_id, target)
        return quota_command_texts.rule_removed(target.scope, target.id, effective)

    async def reset(self, guild_id: int, by: int, user_id: int) -> str:
        """Forget what a member has used."""
        await self._quotas.reset(guild_id, user_id)
        log.info("Server %s: %s reset %s", guild_id, by, user_id)
        await self._audit_log.record(guild_id, by, ChangeKind.USAGE, target=f"<@{user_id}>")
        return quota_command_texts.usage_reset(user_id)

    def show_member(self, guild_id: int, target: Target) -> str:
        """Show a member's quota."""
        assert target.id is not None, "a member has an id"
        status = self._quotas.status(guild_id, target.id, target.role_ids)
        lines = quota_command_texts.member_quota(target.id, status, left=target.left)
        return "\n".join([*lines, *self._pause(guild_id)])

    def show_server(self, guild_id: int) -> str:
        """Show the rules, the budget and the pause of a server."""
        texts = quota_command_texts
        budgets = [status.budget for status in budgets_of_server(self._quotas, guild_id)]
        everyone = self._quotas.rule_of_everyone(guild_id)
        return "\n".join(
            [
                texts.rules_title(),
                *self._pause(guild_id),
                *budget_command_texts.budget_lines(self._quotas.budget(guild_id).rule, budgets),
                *texts.server_rules(self._quotas.rules(guild_id), everyone),
            ]
        )

    async def show_usage(self, guild_id: int, period: Period) -> str:
        """Show who made most, and what is used of the budgets. Raises StorageUnavailable."""
        usage = await self._quotas.usage(guild_id, period)
        lines = quota_command_texts.top_users(usage, period, self._price)
        return "\n".join(
            [*lines, *budget_command_texts.used_lines(budgets_of_server(self._quotas, guild_id), self._price)]
        )

    def warnings(self, guild_id: int) -> list[str]:
        """Return the warnings about budgets that no moderator has read yet, once, and trouble of the log."""
        untold = self._quotas.untold_warnings(guild_id)
        lines = [warning_line(level, status, self._price) for level, status in untold]
        return lines + self._audit_log.trouble(guild_id)

    def _pause(self, guild_id: int) -> list[str]:
        return [budget_command_texts.is_paused()] if self._quotas.budget(guild_id).paused else []

    def _effective(self, guild_id: int, target: Target) -> EffectiveRule:
        """Return the rule that applies to a member, or to everyone without one."""
        if target.scope is Scope.MEMBER and target.id is not None:
            return self._quotas.effective(guild_id, target.id, target.role_ids)
        return self._quotas.rule_of_everyone(guild_id)

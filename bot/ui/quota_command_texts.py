"""What `/quota` answers to moderators."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.quotas import EffectiveRule, Period, QuotaStatus, Rule, Scope, Usage
from bot.ui import formatting
from bot.ui.quota_texts import allowance, reason, standing_lines
from bot.ui.translator import N_, _

SHOWN = 15  # members or rules in one answer; a message has 2,000 characters

_LAST = {
    Period.HOUR: N_("in the last hour"),
    Period.DAY: N_("in the last day"),
    Period.WEEK: N_("in the last week"),
    Period.MONTH: N_("in the last month"),
}


def both_targets() -> str:
    """Return that a rule is for a member or for a role."""
    return "❌ " + _(
        "Choose a `member` or a `role`, not both. Without either, the rule is the server's default."
    )


def no_amount() -> str:
    """Return that a rule needs an amount."""
    return "❌ " + _(
        "Set `videos`, `seconds` of video, or both. 0 blocks. To remove a rule, use `/quota clear`."
    )


def rule_set(scope: Scope, target_id: int | None, rule: Rule, *, left: bool) -> str:
    """Return that a rule was set, and that it applies from now on."""
    text = _("{target}: {allowance}. Effective now.")
    return "✅ " + text.format(
        target=_target(scope, target_id) + _left_server(left), allowance=allowance(rule)
    )


def no_rule(scope: Scope, target_id: int | None) -> str:
    """Return that there was no rule to remove."""
    if scope is Scope.SERVER:
        return _("This server has no default rule. Nothing has changed.")
    return _("{target} has no rule of their own. Nothing has changed.").format(
        target=_target(scope, target_id)
    )


def rule_removed(scope: Scope, target_id: int | None) -> str:
    """Return that a rule was removed."""
    return "✅ " + _("Removed the rule for {target}.").format(target=_target(scope, target_id))


def member_rule_removed(user_id: int, effective: EffectiveRule) -> str:
    """Return that a member's rule was removed, and which one applies now."""
    text = _("Removed the rule. Now {member} has: {allowance} ({source}).")
    return "✅ " + text.format(
        member=f"<@{user_id}>", allowance=allowance(effective.rule), source=reason(effective)
    )


def usage_reset(user_id: int) -> str:
    """Return that a member's usage was reset, and what still counts."""
    text = _(
        "{member}: usage reset. This includes failed requests. Videos in progress still count as running."
    )
    return "✅ " + text.format(member=f"<@{user_id}>")


def member_quota(user_id: int, status: QuotaStatus, *, left: bool) -> str:
    """Return a member's quota, as a moderator sees it."""
    title = "📊 " + _("**Quota of** {member}").format(member=f"<@{user_id}>") + _left_server(left)
    return "\n".join([title, *standing_lines(status)])


def server_rules(rules: Sequence[EffectiveRule], default: Rule) -> str:
    """Return the rules of a server, and the bot's default where the server has none."""
    lines = ["📋 " + _("**Rules of this server**")]
    lines += [
        f"- {_target(effective.scope, effective.target_id)}: {allowance(effective.rule)}"
        for effective in rules[:SHOWN]
    ]
    if len(rules) > SHOWN:
        more = formatting.number(len(rules) - SHOWN)
        lines.append("- " + _("… and {count} more. To see a member's, use `/quota show`.").format(count=more))
    if not any(effective.scope is Scope.SERVER for effective in rules):
        lines.append(
            "- " + _("Everyone else (this bot's default): {allowance}").format(allowance=allowance(default))
        )
    return "\n".join(lines)


def top_users(usage: Sequence[Usage], period: Period) -> str:
    """Return who used most within a period."""
    if not usage:
        return "📈 " + _("Nobody has made a video {period}.").format(period=_(_LAST[period]))
    lines = ["📈 " + _("**Top users {period}**").format(period=_(_LAST[period]))]
    lines += [f"{position}. {_usage(member)}" for position, member in enumerate(usage[:SHOWN], start=1)]
    if len(usage) > SHOWN:
        lines.append(_("… and {count} more.").format(count=formatting.number(len(usage) - SHOWN)))
    return "\n".join(lines)


def _usage(usage: Usage) -> str:
    amounts = [formatting.videos(usage.videos), formatting.seconds(usage.seconds)]
    if usage.running:
        amounts.append(_("{count} running").format(count=formatting.number(usage.running)))
    return f"<@{usage.user_id}>: {', '.join(amounts)}"


def _target(scope: Scope, target_id: int | None) -> str:
    match scope:
        case Scope.MEMBER:
            return f"<@{target_id}>"
        case Scope.ROLE:
            return f"<@&{target_id}>"
        case _:
            return _("Everyone (server default)")


def _left_server(left: bool) -> str:
    return " " + _("(not in this server now)") if left else ""

"""What `/quota` answers to moderators about rules, and about who used what."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models.budgets import Budget, Price
from bot.models.quota_options import OptionsProblem
from bot.models.quotas import EffectiveRule, Period, QuotaStatus, Rule, Scope, Usage
from bot.ui import formatting
from bot.ui.texts.budgets import budget_name, with_cost
from bot.ui.texts.quotas import PARAGRAPH, allowance, allowance_and_reason, reason, standing_lines
from bot.ui.translator import N_, _

SHOWN = 10  # members or rules in one answer, so that it has room for the rest
LENGTH_MAX = 2000  # characters of a message [Discord]

_LAST = {
    Period.HOUR: N_("in the last hour"),
    Period.DAY: N_("in the last day"),
    Period.WEEK: N_("in the last week"),
    Period.MONTH: N_("in the last month"),
}
_PROBLEMS = {
    OptionsProblem.NO_AMOUNT: N_(
        "Set `videos`, `seconds` of video, or both. 0 blocks, and `unlimited` means no limit. "
        "To remove a rule, use `/quota clear`."
    ),
    OptionsProblem.UNLIMITED_AND_AMOUNT: N_(
        "`unlimited` doesn't go with `videos` or `seconds`. Choose either `unlimited` or a number."
    ),
    OptionsProblem.NO_RULE_YET: N_(
        "There's no rule to add `at_once` to yet. Add `videos`, `seconds` or `unlimited` as well."
    ),
}


def both_targets() -> str:
    """Return that a rule is for a member or for a role."""
    return "❌ " + _(
        "Choose a `member` or a `role`, not both. Without either, the rule is the server's default."
    )


def options_refused(problem: OptionsProblem) -> str:
    """Return why the options make no rule."""
    return "❌ " + _(_PROBLEMS[problem])


def is_bot(scope: Scope, target_id: int | None) -> str:
    """Return that a bot needs no rule."""
    if scope is Scope.ROLE:
        text = _(
            "{target} belongs to a bot. Bots can't make videos, so it needs no rule. Choose another role."
        )
    else:
        text = _("{target} is a bot. Bots can't make videos, so it needs no rule. Choose a person.")
    return "❌ " + text.format(target=target_name(scope, target_id))


def rule_set(target: str, rule: Rule, before: str) -> str:
    """Return that a rule was set, that it applies from now on, and what applied before."""
    text = _("{target}: {allowance}. Effective now.").format(target=target, allowance=allowance(rule))
    return "\n".join(["✅ " + text, _("Before: {before}.").format(before=before)])


def before_in_words(own: Rule | None, effective: EffectiveRule | None) -> str:
    """Return the rule that a target had, or else what applied to it; a role has nothing else."""
    if own is not None:
        return allowance(own)
    if effective is None:
        return _("no rule for this role")
    return allowance_and_reason(effective)


def cut_by(budgets: Sequence[Budget]) -> list[str]:
    """Return which budgets end sooner than what was just set."""
    text = N_("⚠️ {name} still applies and can be reached first: {allowance}.")
    return [
        _(text).format(name=budget_name(budget.scope), allowance=allowance(budget.rule)) for budget in budgets
    ]


def at_once_cut(running_max: int) -> str:
    """Return that the operator allows fewer videos at once."""
    text = _("⚠️ This bot's limit still applies: {videos} at a time for each member.")
    return text.format(videos=formatting.videos(running_max))


def no_rule(scope: Scope, target_id: int | None) -> str:
    """Return that there was no rule to remove."""
    if scope is Scope.SERVER:
        return _("This server has no default rule. Nothing has changed.")
    if scope is Scope.ROLE:
        text = _("There's no rule for {target}. Nothing has changed.")
    else:
        text = _("{target} has no rule of their own. Nothing has changed.")
    return text.format(target=target_name(scope, target_id))


def rule_removed(scope: Scope, target_id: int | None, effective: EffectiveRule) -> str:
    """Return that a rule was removed, and which one applies now."""
    match scope:
        case Scope.MEMBER:
            text = _("Removed the rule. Now {target} has: {allowance} ({source}).")
        case Scope.ROLE:
            text = _(
                "Removed the rule for {target}. Members with this role now have: {allowance} ({source}). "
                "If a member has a rule of their own or for another role, that one applies."
            )
        case _:
            text = _(
                "Removed the server's default rule. "
                "Everyone without another rule now has: {allowance} ({source})."
            )
    name = target_name(scope, target_id)
    return "✅ " + text.format(target=name, allowance=allowance(effective.rule), source=reason(effective))


def usage_reset(user_id: int) -> str:
    """Return that a member's usage was reset, and what still counts."""
    text = _(
        "{member}: usage reset. This includes failed requests. Videos in progress still count as running. "
        "Budgets and `/quota usage` still show what was made."
    )
    return "✅ " + text.format(member=f"<@{user_id}>")


def member_quota(user_id: int, status: QuotaStatus, *, left: bool) -> list[str]:
    """Return a member's quota, as a moderator sees it."""
    title = _("**Quota of** {member}").format(member=f"<@{user_id}>")
    return ["📊 " + (not_here(title) if left else title), *standing_lines(status)]


def server_rules(rules: Sequence[EffectiveRule], everyone: EffectiveRule) -> list[str]:
    """Return the rules of a server, and at the end what applies to everyone beside them."""
    special = [effective for effective in rules if effective.scope is not Scope.SERVER]
    lines = [PARAGRAPH, _("**Each member**")]
    lines += [
        "- "
        + formatting.labeled(target_name(effective.scope, effective.target_id), allowance(effective.rule))
        for effective in special[:SHOWN]
    ]
    if len(special) > SHOWN:
        more = formatting.number(len(special) - SHOWN)
        lines.append("- " + _("… and {count} more. To see a member's, use `/quota show`.").format(count=more))
    text = _("Everyone else ({source}): {allowance}") if special else _("Everyone ({source}): {allowance}")
    source = _("server default") if everyone.scope is Scope.SERVER else reason(everyone)
    return [*lines, "- " + text.format(source=source, allowance=allowance(everyone.rule))]


def pause_state(paused: bool) -> str:
    """Return whether members can make videos, for the log."""
    return _("paused") if paused else _("not paused")


def rules_title() -> str:
    """Return what stands above all rules of a server."""
    return "📋 " + _("**Rules of this server**")


def top_users(usage: Sequence[Usage], period: Period, price: Price | None) -> list[str]:
    """Return who used most within a period, and what all of them used together."""
    if not usage:
        return ["📈 " + _("Nobody has made a video {period}.").format(period=_(_LAST[period]))]
    lines = ["📈 " + _("**Top users {period}**").format(period=_(_LAST[period]))]
    lines += [f"{position}. {_usage(member)}" for position, member in enumerate(usage[:SHOWN], start=1)]
    if len(usage) > SHOWN:
        lines.append(_("… and {count} more.").format(count=formatting.number(len(usage) - SHOWN)))
    seconds = sum(member.seconds for member in usage)
    videos = sum(member.videos for member in usage)
    amounts = formatting.listed([formatting.videos(videos), formatting.seconds(seconds)])
    total = _("Together: {amounts}").format(amounts=amounts)
    return [*lines, PARAGRAPH, with_cost(total, price, seconds)]


def with_warnings(text: str, warnings: Sequence[str]) -> str:
    """Return an answer with warnings below it; where there is no room for both it loses its last lines."""
    end = "".join(f"\n{line}" for line in [PARAGRAPH, *warnings]) if warnings else ""
    lines = text.split("\n")
    while len("\n".join(lines)) + len(end) > LENGTH_MAX and len(lines) > 1:
        lines = [*lines[:-2], "…"]
    return "\n".join(lines) + end


def target_name(scope: Scope, target_id: int | None) -> str:
    """Return whom a rule is for, in words."""
    match scope:
        case Scope.MEMBER:
            return f"<@{target_id}>"
        case Scope.ROLE:
            return f"<@&{target_id}>"
        case _:
            return _("Everyone (server default)")


def not_here(name: str) -> str:
    """Return the name of somebody who left."""
    return formatting.bracketed(name, _("not in this server now"))


def _usage(usage: Usage) -> str:
    amounts = [formatting.videos(usage.videos), formatting.seconds(usage.seconds)]
    if usage.running:
        amounts.append(_("{count} running").format(count=formatting.number(usage.running)))
    return formatting.labeled(f"<@{usage.user_id}>", formatting.listed(amounts))

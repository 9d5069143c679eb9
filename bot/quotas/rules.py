"""The rules of all servers, and which of them applies to a member."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from fractions import Fraction

from bot.models.quotas import EffectiveRule, Rule, Scope
from bot.models.requests import DURATION_DEFAULT

_LISTED = (Scope.SERVER, Scope.ROLE, Scope.MEMBER)


class QuotaRules:
    """The rules that moderators set, and the operator's default below them."""

    def __init__(self, default: Rule) -> None:
        self._default = EffectiveRule(default, Scope.OPERATOR, None)
        self._rules: dict[int, dict[tuple[Scope, int | None], EffectiveRule]] = {}

    def set(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Set the rule of a member, a role or the whole server; raises as `check_target` does."""
        check_target(scope, target_id)
        self._rules.setdefault(guild_id, {})[scope, target_id] = EffectiveRule(rule, scope, target_id)

    def clear(self, guild_id: int, scope: Scope, target_id: int | None) -> bool:
        """Remove a rule and tell whether there was one; raises as `check_target` does."""
        check_target(scope, target_id)
        return self._rules.get(guild_id, {}).pop((scope, target_id), None) is not None

    def forget_server(self, guild_id: int) -> None:
        """Remove all rules of a server."""
        self._rules.pop(guild_id, None)

    def of_server(self, guild_id: int) -> list[EffectiveRule]:
        """Return the rules of a server: its default, then roles, then members, each by id."""
        rules = self._rules.get(guild_id, {}).values()
        return sorted(rules, key=lambda effective: (_LISTED.index(effective.scope), effective.target_id or 0))

    def servers(self) -> frozenset[int]:
        """Return the servers that have rules."""
        return frozenset(guild_id for guild_id, rules in self._rules.items() if rules)

    def longest_period(self, guild_id: int | None) -> timedelta:
        """Return the longest period of a rule that may apply to somebody in a server."""
        rules = {} if guild_id is None else self._rules.get(guild_id, {})
        return max(effective.rule.per.length for effective in [self._default, *rules.values()])

    def own(self, guild_id: int, scope: Scope, target_id: int | None) -> Rule | None:
        """Return the rule that was set for just this target."""
        found = self._rules.get(guild_id, {}).get((scope, target_id))
        return None if found is None else found.rule

    def of_everyone(self, guild_id: int) -> EffectiveRule:
        """Return what applies to members of a server without any other rule."""
        return self._rules.get(guild_id, {}).get((Scope.SERVER, None), self._default)

    def effective(self, guild_id: int | None, user_id: int, role_ids: Iterable[int]) -> EffectiveRule:
        """Return the member's own rule, else that of their best role, the server's or the operator's."""
        rules = {} if guild_id is None else self._rules.get(guild_id, {})
        own = rules.get((Scope.MEMBER, user_id))
        if own is not None:
            return own
        of_roles = [rules[Scope.ROLE, role_id] for role_id in role_ids if (Scope.ROLE, role_id) in rules]
        if of_roles:
            return max(of_roles, key=_rank)
        return rules.get((Scope.SERVER, None), self._default)


def check_target(scope: Scope, target_id: int | None) -> None:
    """Raise ValueError for the operator's scope, and where scope and target do not belong together."""
    if scope is Scope.OPERATOR:
        raise ValueError("the operator's rule is a setting")
    if (target_id is None) is not (scope is Scope.SERVER):
        raise ValueError("a member or a role needs an id, a server takes none")


def _rank(effective: EffectiveRule) -> tuple[Fraction | float, ...]:
    """Return what orders the rules of roles: the most generous one wins, of equal ones the lowest id.

    Generosity is videos of the default length a day, then videos a day, then seconds a day, then videos at
    once.
    """
    rule = effective.rule
    days = Fraction(rule.per.length // timedelta(hours=1), 24)
    videos = math.inf if rule.videos is None else rule.videos / days
    seconds = math.inf if rule.seconds is None else rule.seconds / days
    at_once = math.inf if rule.at_once is None else rule.at_once
    return min(videos, seconds / DURATION_DEFAULT), videos, seconds, at_once, -(effective.target_id or 0)

"""Rules: which one applies to a member, and which of several roles is the most generous."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.models.quotas import EffectiveRule, Period, Rule, Scope
from bot.quotas.rules import QuotaRules, check_target

DAY = timedelta(days=1)
SERVER, MEMBER = 10, 7
UNLIMITED = Rule(None, None)
SOME_RULES = st.builds(
    Rule,
    st.none() | st.integers(0, 4),
    st.none() | st.integers(0, 20),
    st.sampled_from(Period),
    st.none() | st.integers(1, 3),
)


def test_a_members_rule_wins_over_roles_the_server_and_the_operator() -> None:
    rules = QuotaRules(Rule(1, None))
    assert rules.effective(SERVER, MEMBER, [3]) == EffectiveRule(Rule(1, None), Scope.OPERATOR, None)
    rules.set(SERVER, Scope.SERVER, None, Rule(2, None))
    assert rules.effective(SERVER, MEMBER, [3]) == EffectiveRule(Rule(2, None), Scope.SERVER, None)
    rules.set(SERVER, Scope.ROLE, 3, Rule(0, None))
    assert rules.effective(SERVER, MEMBER, [3]) == EffectiveRule(Rule(0, None), Scope.ROLE, 3)
    assert rules.effective(SERVER, MEMBER, [4]).scope is Scope.SERVER
    rules.set(SERVER, Scope.MEMBER, MEMBER, Rule(1, 1))
    assert rules.effective(SERVER, MEMBER, [3]) == EffectiveRule(Rule(1, 1), Scope.MEMBER, MEMBER)
    assert rules.effective(SERVER, 8, [3]).scope is Scope.ROLE
    assert rules.effective(SERVER + 1, MEMBER, [3]).scope is Scope.OPERATOR
    assert rules.effective(None, MEMBER, [3]).scope is Scope.OPERATOR


# From the least to the most generous.
GENEROSITY = [
    Rule(0, None),
    Rule(1, None, Period.MONTH),
    Rule(None, 4),
    Rule(6, None, Period.WEEK),
    Rule(1, 5),
    Rule(1, 100),
    Rule(1, None),
    Rule(3, 5),
    Rule(8, None, Period.WEEK),
    Rule(None, 60, Period.WEEK),
    Rule(1, None, Period.HOUR),
    Rule(25, None),
    Rule(None, 6, Period.HOUR),
    Rule(None, None, at_once=1),
    Rule(None, None, at_once=2),
    Rule(None, None, Period.MONTH),
]


@pytest.mark.parametrize("low", range(len(GENEROSITY)))
def test_the_most_generous_role_wins(low: int) -> None:
    for high in range(low + 1, len(GENEROSITY)):
        rules = QuotaRules(UNLIMITED)
        rules.set(SERVER, Scope.ROLE, 1, GENEROSITY[low])
        rules.set(SERVER, Scope.ROLE, 2, GENEROSITY[high])
        assert rules.effective(SERVER, MEMBER, [1, 2]).target_id == 2, (low, high)


def test_equally_generous_roles_yield_the_lowest_id_in_any_order() -> None:
    rules = QuotaRules(UNLIMITED)
    for role_id, role_rule in (
        (5, Rule(7, None, Period.WEEK)),
        (3, Rule(1, None)),
        (4, Rule(30, None, Period.MONTH)),
    ):
        rules.set(SERVER, Scope.ROLE, role_id, role_rule)
    for roles in ([3, 4, 5], [5, 4, 3], [4, 3, 5]):
        assert rules.effective(SERVER, MEMBER, roles).target_id == 3


def test_rules_are_listed_server_first_then_roles_then_members() -> None:
    rules = QuotaRules(UNLIMITED)
    targets = [(Scope.MEMBER, 9), (Scope.ROLE, 6), (Scope.MEMBER, 2), (Scope.SERVER, None), (Scope.ROLE, 5)]
    for scope, target_id in targets:
        rules.set(SERVER, scope, target_id, UNLIMITED)
    order = [(listed.scope, listed.target_id) for listed in rules.of_server(SERVER)]
    assert order == [targets[3], targets[4], targets[1], targets[2], targets[0]]
    assert rules.of_server(SERVER + 1) == []


def test_a_cleared_rule_no_longer_applies() -> None:
    rules = QuotaRules(UNLIMITED)
    rules.set(SERVER, Scope.SERVER, None, Rule(1, None))
    assert rules.clear(SERVER, Scope.SERVER, None)
    assert not rules.clear(SERVER, Scope.SERVER, None)
    assert rules.effective(SERVER, MEMBER, []).scope is Scope.OPERATOR


def test_clearing_a_rule_leaves_those_of_others() -> None:
    rules = QuotaRules(UNLIMITED)
    for server in (SERVER, SERVER + 1):
        for scope in (Scope.ROLE, Scope.MEMBER):
            rules.set(server, scope, MEMBER, Rule(1, None))
    assert rules.clear(SERVER, Scope.ROLE, MEMBER)
    assert [effective.scope for effective in rules.of_server(SERVER)] == [Scope.MEMBER]
    assert len(rules.of_server(SERVER + 1)) == 2


@pytest.mark.parametrize(
    ("scope", "target_id"),
    [
        (Scope.OPERATOR, None),
        (Scope.OPERATOR, 1),
        (Scope.SERVER, 1),
        (Scope.ROLE, None),
        (Scope.MEMBER, None),
    ],
)
def test_scope_and_target_must_belong_together(scope: Scope, target_id: int | None) -> None:
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        QuotaRules(UNLIMITED).set(SERVER, scope, target_id, UNLIMITED)
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        QuotaRules(UNLIMITED).clear(SERVER, scope, target_id)
    with pytest.raises(ValueError, match=r"operator|needs an id"):
        check_target(scope, target_id)


@settings(deadline=None, max_examples=100)
@given(set_rules=st.lists(SOME_RULES, min_size=1, max_size=5), seed=st.integers(0, 99))
def test_no_role_allows_more_usual_videos_than_the_one_that_applies(set_rules: list[Rule], seed: int) -> None:
    rules = QuotaRules(UNLIMITED)
    for role_id, role_rule in enumerate(set_rules):
        rules.set(SERVER, Scope.ROLE, role_id, role_rule)
    roles = list(range(len(set_rules)))
    random.Random(seed).shuffle(roles)
    effective = rules.effective(SERVER, MEMBER, roles)

    def usual_videos_in_210_days(rule: Rule) -> float:
        seconds = float("inf") if rule.seconds is None else rule.seconds
        videos = float("inf") if rule.videos is None else rule.videos
        return min(videos * 5, seconds) * (210 * DAY // rule.per.length)

    assert usual_videos_in_210_days(effective.rule) == max(map(usual_videos_in_210_days, set_rules))
    assert effective == rules.effective(SERVER, MEMBER, sorted(roles))

"""What moderators read: with numbers of every form, and never more than a message may hold."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.budgets import Budget, BudgetScope, BudgetStatus, Price, WarningLevel
from bot.models.quota_options import OptionsProblem
from bot.models.quotas import EffectiveRule, Period, Rule, Scope, Usage
from bot.ui.texts import budget_commands as budget_command_texts
from bot.ui.texts import quota_commands as texts
from bot.ui.texts.budgets import warning_line
from tests.unit.ui.wording import assert_reads_well

ID = 2**63 - 1
PRICE = Price(Decimal("0.05"), "USD")
SOON = datetime(2026, 1, 2, tzinfo=UTC)
LARGEST = Rule(100_000, 1_000_000, Period.MONTH, 1_000)
RULES = [Rule(0, None), Rule(1, 1), Rule(None, None, at_once=1), Rule(None, 1200, Period.WEEK, 1000), LARGEST]
TARGETS = [(Scope.SERVER, None), (Scope.ROLE, 5), (Scope.MEMBER, 6)]


def effective(rule: Rule, scope: Scope = Scope.SERVER) -> EffectiveRule:
    return EffectiveRule(rule, scope, 5 if scope in {Scope.ROLE, Scope.MEMBER} else None)


def test_what_all_used_together_is_told_with_its_cost() -> None:
    usage = [Usage(1, 2, 10, 0), Usage(2, 1, 5, 0)]
    assert texts.top_users(usage, Period.DAY, None)[-1] == "Together: 3 videos, 15 seconds"
    assert texts.top_users(usage, Period.DAY, PRICE)[-1] == (
        "Together: 3 videos, 15 seconds (about 0.75 USD so far)"
    )


@pytest.mark.parametrize(("scope", "target_id"), TARGETS)
def test_every_answer_about_a_rule_reads_well(scope: Scope, target_id: int | None) -> None:
    name = texts.target_name(scope, target_id)
    for rule, other, source in product(RULES, RULES, Scope):
        was = texts.before_in_words(other, None)
        assert_reads_well(texts.rule_set(name, rule, was))
        assert_reads_well(texts.rule_set(name, rule, texts.before_in_words(None, effective(other, source))))
        assert_reads_well(texts.rule_set(name, rule, texts.before_in_words(None, None)))
        assert_reads_well(texts.rule_removed(scope, target_id, effective(rule, source)))
    assert_reads_well(texts.no_rule(scope, target_id))
    assert_reads_well(texts.is_bot(scope, target_id))


def test_every_other_answer_reads_well() -> None:
    for problem in OptionsProblem:
        assert_reads_well(texts.options_refused(problem))
    for scope, rule in product(BudgetScope, RULES):
        assert_reads_well("\n".join(texts.cut_by([Budget(scope, rule)])))
    for count in (1, 2):
        assert_reads_well(texts.at_once_cut(count))
    for period, count in product(Period, (0, 1, 2, 1200)):
        assert_reads_well("\n".join(texts.top_users([Usage(ID, count, count, count)], period, PRICE)))
        assert_reads_well("\n".join(texts.top_users([], period, PRICE)))
    assert_reads_well(texts.both_targets())
    assert_reads_well(texts.usage_reset(ID))


def warnings() -> list[str]:
    scopes = (BudgetScope.OWN, BudgetScope.SERVER)
    price = Price(Decimal("1.5"), "1234567890")
    return [
        warning_line(WarningLevel.FULL, BudgetStatus(Budget(scope, LARGEST, ID), 10**5, 10**6, SOON), price)
        for scope in scopes
    ]


@pytest.mark.parametrize("count", [0, 1, texts.SHOWN, texts.SHOWN + 1, 5_000])
def test_the_largest_answers_fit_into_a_message_with_all_warnings(count: int) -> None:
    rules = [EffectiveRule(LARGEST, Scope.ROLE, ID)] * count
    budgets = [BudgetStatus(Budget(scope, LARGEST, ID), 10**5, 10**6, SOON) for scope in BudgetScope]
    shown = [
        texts.rules_title(),
        budget_command_texts.is_paused(),
        *budget_command_texts.budget_lines(LARGEST, [status.budget for status in budgets[:2]]),
        *texts.server_rules(rules, effective(LARGEST)),
    ]
    used = [
        *texts.top_users([Usage(ID, 10**5, 10**6, 1_000)] * count, Period.MONTH, PRICE),
        *budget_command_texts.used_lines(budgets[:2], Price(Decimal("1.5"), "1234567890")),
    ]
    for lines in (shown, used):
        text = texts.with_warnings("\n".join(lines), warnings())
        assert len(text) <= 2_000
        assert text.endswith("\n".join(warnings()))
        assert_reads_well(text)
    # Without warnings nothing is left out.
    assert texts.with_warnings("\n".join(shown), []) == "\n".join(shown)
    assert texts.with_warnings("\n".join(used), []) == "\n".join(used)


@given(
    lines=st.lists(st.text("ab ", max_size=300), min_size=1, max_size=40),
    ends=st.lists(st.text("w", min_size=1, max_size=400), max_size=3),
)
def test_no_warning_is_cut_and_no_line_is_broken(lines: list[str], ends: list[str]) -> None:
    text = texts.with_warnings("\n".join(lines), ends)
    assert len(text) <= texts.LENGTH_MAX
    kept = text.split("\n")
    below = ["", *ends] if ends else []
    body, tail = kept[: len(kept) - len(below)], kept[len(kept) - len(below) :]
    assert tail == below
    assert body == lines or (body[-1] == "…" and body[:-1] == lines[: len(body) - 1])

"""What people read about budgets: every refusal, status and warning, with numbers of every form."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import product

import pytest

from bot.models.budgets import (
    Budget,
    BudgetExceeded,
    BudgetScope,
    BudgetStatus,
    Ceilings,
    Price,
    ServerPaused,
    WarningLevel,
)
from bot.models.quotas import (
    EffectiveRule,
    ExceededLimit,
    LimitExceeded,
    Period,
    QuotaExceeded,
    QuotaStatus,
    Rule,
    Scope,
)
from bot.ui.texts import budget_commands as budget_command_texts
from bot.ui.texts import budgets as budget_texts
from tests.unit.ui.wording import assert_reads_well

SOON = datetime(2026, 1, 2, tzinfo=UTC)
PRICE = Price(Decimal("0.035"), "USD")
OF_BUDGETS = (ExceededLimit.BLOCKED, ExceededLimit.VIDEOS, ExceededLimit.SECONDS)


def status(rule: Rule, used: tuple[int, int], scope: BudgetScope = BudgetScope.OWN) -> BudgetStatus:
    return BudgetStatus(Budget(scope, rule, 5), *used, SOON)


def refusals() -> list[LimitExceeded]:
    found: list[LimitExceeded] = [ServerPaused()]
    for scope, limit, frees in product(BudgetScope, OF_BUDGETS, (None, SOON)):
        for videos, seconds, used in product((None, 1, 1200), (1, 2, 12, 1200), ((0, 0), (1, 1), (2, 11))):
            found.append(BudgetExceeded(status(Rule(videos, seconds), used, scope), limit, 5, frees))
    for limit, scope_ in product(ExceededLimit, Scope):
        quota = QuotaStatus(EffectiveRule(Rule(2, 6), scope_, 5), 1, 5, 1, 1, SOON, 1, 1)
        found.append(QuotaExceeded(quota, limit, 2, SOON))
    return found


def test_every_refusal_reads_well_and_says_that_nothing_was_sent() -> None:
    for error in refusals():
        text = budget_texts.limit_exceeded(error)
        assert_reads_well(text)
        assert text.endswith("Nothing was sent, and this doesn't count towards your quota.")
        if isinstance(error, BudgetExceeded):
            lasts = error.frees is None or error.exceeded is ExceededLimit.BLOCKED
            assert ("There's room again <t:" in text) is not lasts


def test_a_limit_without_words_is_a_fault() -> None:
    with pytest.raises(TypeError):
        budget_texts.limit_exceeded(LimitExceeded("new", None))


def test_every_status_and_warning_reads_well() -> None:
    for scope, per, price, level in product(BudgetScope, Period, (None, PRICE), WarningLevel):
        for videos, seconds, used in product((None, 1, 1200), (0, 1, 1200), ((0, 0), (1, 1), (1200, 6000))):
            found = status(Rule(videos, seconds, per), used, scope)
            for text in (
                budget_texts.status_line(found, price),
                budget_texts.warning_line(level, found, price),
                budget_texts.log_line(level, found, price),
            ):
                assert_reads_well(text)
                assert text.rstrip(".") + "." == text or "To change it: " in text


def test_the_status_says_what_it_costs_and_when_there_is_more_only_where_it_is_used_up() -> None:
    line = budget_texts.status_line(status(Rule(None, 1200), (3, 21)), PRICE)
    assert line == "This server's budget: 21 of 1,200 seconds of video per day (about 0.74 USD so far)."
    line = budget_texts.status_line(status(Rule(2, None), (2, 9)), None)
    assert line == f"This server's budget: 2 of 2 videos per day. There's room again <t:{SOON:%s}:R>."


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "0.00 USD"), ("0.001", "0.01 USD"), ("0.7", "0.70 USD"), ("1234.5", "1,234.50 USD")],
)
def test_a_cost_never_reads_too_low(amount: str, words: str) -> None:
    assert budget_texts.cost(Decimal(amount), "USD") == words


def test_what_moderators_read_about_a_budget_reads_well() -> None:
    rules = [Rule(None, None), Rule(0, None), Rule(1, 1), Rule(1200, None), Rule(None, 6000, Period.WEEK)]
    for rule, before in product(rules, rules):
        assert_reads_well(budget_command_texts.budget_set(rule, before))
        assert_reads_well(budget_command_texts.budget_removed(before))
        lines = budget_command_texts.budget_lines(rule, [Budget(BudgetScope.SERVER, before, 5)])
        assert_reads_well("\n".join(lines))
    for changed in (True, False):
        assert_reads_well(budget_command_texts.paused(changed))
        assert_reads_well(budget_command_texts.resumed(changed))
    assert_reads_well(budget_command_texts.no_budget_amount())
    assert_reads_well(budget_command_texts.no_budget_to_remove())
    assert_reads_well(budget_command_texts.is_paused())


def test_the_log_names_every_setting() -> None:
    text = budget_texts.ceilings_in_force(Ceilings(bot=Rule(None, 600)))
    assert "everyone together: 600 seconds of video per day; each server: unlimited videos" in text
    for name in ("SECONDS", "VIDEOS", "SERVER_SECONDS", "SERVER_VIDEOS", "DIRECT_SECONDS", "PER"):
        assert f"BUDGET_{name}" in text

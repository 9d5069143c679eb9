"""What `/help` says fits into a message, names the limits of the table, and reads well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.models.budgets import Budget, BudgetScope, BudgetStatus
from bot.models.catalog import DEFAULT
from bot.models.quotas import EffectiveRule, QuotaStatus, Rule, Scope
from bot.ui.help_card import PRIVACY, TERMS, Help, help_card
from tests.unit.ui.test_cards import NOW, assert_discord_takes, components, words
from tests.unit.ui.wording import assert_reads_well

SNOWFLAKE = 10**18  # as long as IDs of Discord are today
NEW = QuotaStatus(EffectiveRule(Rule(5, None), Scope.OPERATOR, None), 0, 0, 0, 2, None, 0, 20)
BUSY = QuotaStatus(
    EffectiveRule(Rule(100_000, 1_000_000), Scope.MEMBER, SNOWFLAKE), 99_999, 999_999, 99, 99, NOW, 19, 20
)
FULL = [
    BudgetStatus(Budget(scope, Rule(100_000, 1_000_000), SNOWFLAKE), 100_000, 1_000_000, NOW)
    for scope in BudgetScope
]
LONG_PAGE = "https://example.com/" + "x" * 492  # 512 characters
PLAIN = Help(DEFAULT, NEW)


@pytest.mark.parametrize(
    "about",
    [
        PLAIN,
        Help(DEFAULT, NEW, allowed=False),
        Help(DEFAULT, BUSY, paused=True, full=FULL, pages={PRIVACY: LONG_PAGE, TERMS: LONG_PAGE}),
    ],
    ids=["new", "not allowed", "all that it can say"],
)
def test_discord_takes_it_and_it_reads_well(about: Help) -> None:
    view = help_card(about)
    assert_discord_takes(view)
    assert_reads_well(words(view))


def test_the_limits_are_those_of_the_table() -> None:
    text = words(help_card(PLAIN))
    for part in (
        "**Images:** up to 7, or 4 with videos. PNG, JPEG or WebP, 50 MB each at most.",
        "**Videos:** 1 (up to 8 seconds) or 2 (up to 5 seconds each). MP4 or MOV, 100 MB each at most.",
        "**Both:** at least 128 pixels on each side, in a ratio between 1:4 and 4:1.",
        "**Prompt:** up to 2,000 characters.",
        "**Your video:** 1 to 10 seconds long (5 seconds if you don't choose).",
    ):
        assert part in text
    other = replace(DEFAULT, durations=replace(DEFAULT.durations, max=16))
    assert "1 to 16 seconds long" in words(help_card(replace(PLAIN, model=other)))


def test_what_is_in_the_way_here_is_named() -> None:
    text = words(help_card(replace(PLAIN, paused=True, full=FULL[:1])))
    assert "A moderator has paused new videos in this server." in text
    assert "**Left:** 5 videos" in text
    assert "There's room again <t:" in text
    refused = words(help_card(replace(PLAIN, allowed=False)))
    assert "don't allow new videos here" in refused
    assert "Left" not in refused


def test_only_the_pages_that_the_operator_has_are_linked() -> None:
    def links(about: Help) -> list[tuple[str, str]]:
        return [(part["label"], part["url"]) for part in components(help_card(about)) if "url" in part]

    assert links(PLAIN) == []
    assert links(replace(PLAIN, pages={TERMS: "https://example.com/terms"})) == [
        ("Terms of service", "https://example.com/terms")
    ]

"""What members read about quotas: every refusal and every status, with numbers of every form."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from bot.models.quotas import EffectiveRule, ExceededLimit, Period, QuotaExceeded, QuotaStatus, Rule, Scope
from bot.ui.texts import quotas as quota_texts
from tests.unit.ui.wording import assert_reads_well

SOON = datetime(2026, 1, 2, tzinfo=UTC)
AMOUNTS = (None, 1, 2, 1200)


def status(rule: Rule, scope: Scope = Scope.SERVER, used: int = 1, attempts: int = 1) -> QuotaStatus:
    target = 5 if scope in {Scope.MEMBER, Scope.ROLE} else None
    return QuotaStatus(EffectiveRule(rule, scope, target), used, used, used, used, SOON, attempts, 3)


@pytest.mark.parametrize("limit", ExceededLimit)
@pytest.mark.parametrize("scope", Scope)
def test_every_refusal_reads_well(limit: ExceededLimit, scope: Scope) -> None:
    for per, amount, used, frees in product(Period, (1, 2, 1200), (0, 1, 2), (None, SOON)):
        standing = status(Rule(amount, amount, per), scope, used, attempts=used)
        text = quota_texts.quota_exceeded(QuotaExceeded(standing, limit, used + 1, frees))
        assert_reads_well(text)
        assert text.endswith(".")
        assert ("You can make another <t:" in text) is (frees is not None)


@pytest.mark.parametrize("scope", Scope)
def test_every_status_reads_well(scope: Scope) -> None:
    for per, videos, seconds, used in product(Period, (0, *AMOUNTS), AMOUNTS, (0, 1, 2)):
        lines = quota_texts.standing_lines(status(Rule(videos, seconds, per), scope, used, used))
        assert_reads_well("\n".join(lines))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule(None, None), "unlimited videos"),
        (Rule(0, None), "no videos"),
        (Rule(1, None, Period.HOUR), "1 video per hour"),
        (Rule(None, 1, Period.WEEK), "1 second of video per week"),
        (Rule(1200, 6000, Period.MONTH), "1,200 videos and 6,000 seconds of video per month"),
    ],
)
def test_a_rule_in_words(rule: Rule, words: str) -> None:
    assert quota_texts.allowance(rule) == words


@pytest.mark.parametrize(
    ("used", "told"),
    [
        (0, "The longest video that fits is 4 seconds."),
        (2, "The longest video that fits is 2 seconds."),
        (3, "The longest video that fits is 1 second."),
        (4, "A video can be 4 seconds at most."),
    ],
)
def test_a_video_that_never_fits_is_told_what_does(used: int, told: str) -> None:
    standing = status(Rule(None, 4), used=used)
    text = quota_texts.quota_exceeded(QuotaExceeded(standing, ExceededLimit.SECONDS, 5))
    assert text.endswith(told)


def test_the_notice_of_a_guest_reads_well() -> None:
    assert_reads_well(quota_texts.GUEST)

"""Quotas: how long periods are, what is left, and what blocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.models.quotas import (
    ATTEMPTS_PER,
    EffectiveRule,
    ExceededLimit,
    Period,
    QuotaExceeded,
    QuotaStatus,
    Rule,
    Scope,
)


@pytest.mark.parametrize(
    ("period", "length"),
    [
        (Period.HOUR, timedelta(hours=1)),
        (Period.DAY, timedelta(hours=24)),
        (Period.WEEK, timedelta(days=7)),
        (Period.MONTH, timedelta(days=30)),
    ],
)
def test_periods(period: Period, length: timedelta) -> None:
    assert period.length == length


def test_attempts_without_a_video_count_for_an_hour() -> None:
    assert timedelta(hours=1) == ATTEMPTS_PER


def test_periods_and_scopes_are_stored_as_they_always_were() -> None:
    assert {period.name: period.value for period in Period} == {
        "HOUR": "hour",
        "DAY": "day",
        "WEEK": "week",
        "MONTH": "month",
    }
    assert {scope.name: scope.value for scope in Scope} == {
        "MEMBER": "member",
        "ROLE": "role",
        "SERVER": "server",
        "OPERATOR": "operator",
    }


def test_every_period_has_a_length() -> None:
    assert all(period.length > timedelta() for period in Period)


@pytest.mark.parametrize(("videos", "seconds"), [(-1, None), (None, -1), (5, -1), (-1, 5), (-1, -1)])
def test_a_quota_cannot_be_negative(videos: int | None, seconds: int | None) -> None:
    with pytest.raises(ValueError, match="negative"):
        Rule(videos, seconds)


@pytest.mark.parametrize(
    ("videos", "seconds", "blocks"),
    [
        (0, None, True),
        (None, 0, True),
        (0, 0, True),
        (5, 0, True),
        (1, None, False),
        (None, 1, False),
        (None, None, False),
    ],
)
def test_only_nothing_blocks(videos: int | None, seconds: int | None, blocks: bool) -> None:
    assert Rule(videos, seconds).blocks is blocks


def test_a_rule_is_for_a_day_unless_it_says_otherwise() -> None:
    assert Rule(1, None).per is Period.DAY


@pytest.mark.parametrize(("limit", "used", "left"), [(None, 9, None), (5, 0, 5), (5, 5, 0), (5, 6, 0)])
def test_what_is_left_is_never_less_than_nothing(limit: int | None, used: int, left: int | None) -> None:
    of_videos = QuotaStatus(EffectiveRule(Rule(limit, None), Scope.SERVER, None), used, 0, 0, 2, None)
    of_seconds = QuotaStatus(EffectiveRule(Rule(None, limit), Scope.SERVER, None), 0, used, 0, 2, None)
    assert (of_videos.left_videos, of_videos.left_seconds) == (left, None)
    assert (of_seconds.left_videos, of_seconds.left_seconds) == (None, left)


def test_an_exceeded_quota_says_which_limit_it_was_and_when_it_frees() -> None:
    status = QuotaStatus(EffectiveRule(Rule(5, None), Scope.OPERATOR, None), 5, 25, 0, 2, None)
    frees = datetime(2026, 1, 1, tzinfo=UTC)
    error = QuotaExceeded(status, ExceededLimit.VIDEOS, 5, frees)
    assert str(error) == "quota exceeded: videos"
    assert (error.status, error.exceeded, error.needed_seconds, error.frees) == (
        status,
        ExceededLimit.VIDEOS,
        5,
        frees,
    )

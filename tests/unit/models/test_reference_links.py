"""Whether Discord's links work: when uploads come first, for how long, and what is kept of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.reference_links import (
    FAILURES_MAX,
    FAILURES_WITHIN,
    UPLOADS_FIRST,
    UPLOADS_FIRST_MAX,
    LinkHealth,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

# What happens, and how many minutes after what happened before.
events = st.lists(st.tuples(st.booleans(), st.one_of(st.integers(0, 12), st.integers(0, 1_500))), max_size=60)


def after(history: list[tuple[bool, int]]) -> list[tuple[datetime, bool, LinkHealth, LinkHealth]]:
    """Return each moment, whether links worked then, and how it stood before and after."""
    now, health, found = START, LinkHealth(), []
    for worked, minutes in history:
        now += minutes * MINUTE
        before, health = health, health.worked(now) if worked else health.failed(now)
        found.append((now, worked, before, health))
    return found


@given(events)
def test_links_are_set_aside_after_several_failures_in_a_short_time_only(
    history: list[tuple[bool, int]],
) -> None:
    counted: list[datetime] = []  # failures that count towards it, since the last video or the last pause
    for now, worked, before, health in after(history):
        if before.uploads_first(now):
            assert health == before  # whatever was sent earlier says nothing new
            continue
        if worked:
            assert health == LinkHealth()
            counted = []
            continue
        counted = [moment for moment in [*counted, now] if now - moment < FAILURES_WITHIN]
        assert health.uploads_first(now) == (before.rounds > 0 or len(counted) >= FAILURES_MAX)
        if health.uploads_first(now):
            counted = []


@given(events)
def test_a_pause_grows_with_each_round_and_always_ends(history: list[tuple[bool, int]]) -> None:
    for now, _, before, health in after(history):
        assert (health.rounds == 0) == (health.uploads_until is None)
        assert len(health.failures) < FAILURES_MAX
        if health.rounds > before.rounds:
            assert health.uploads_until is not None
            pause = health.uploads_until - now
            assert pause == min(UPLOADS_FIRST * 2**before.rounds, UPLOADS_FIRST_MAX)
            assert health.uploads_first(health.uploads_until - MINUTE)
            assert not health.uploads_first(health.uploads_until)


@given(events)
def test_a_restart_changes_nothing(history: list[tuple[bool, int]]) -> None:
    for *_, health in after(history):
        assert LinkHealth.load(health.dump()) == health


somehow = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
moments = st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat)
almost = st.tuples(st.lists(moments, max_size=4), st.none() | moments, st.integers() | st.floats())


@given(st.none() | st.text() | (somehow | almost).map(json.dumps))
def test_whatever_was_kept_can_be_gone_on_from(text: str | None) -> None:
    health = LinkHealth.load(text)
    assert health.uploads_first(START) in {True, False}
    assert isinstance(health.failed(START), LinkHealth)
    assert isinstance(health.worked(START), LinkHealth)


@pytest.mark.parametrize("text", ['[[], "2026-01-01T00:00:00", 1]', "[[], null, Infinity]", "[[], null, -3]"])
def test_what_makes_no_sense_says_that_nothing_failed(text: str) -> None:
    assert LinkHealth.load(text) == LinkHealth()

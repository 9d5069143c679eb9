"""Values as columns keep them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.storage.columns import (
    dump_json,
    load_json,
    optional_micros,
    optional_moment,
    storable,
    to_micros,
    to_moment,
)


@pytest.mark.parametrize(
    ("moment", "micros"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), 1_767_225_600_000_001),
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 1_767_225_600_000_000),
    ],
)
def test_moments_are_whole_microseconds_since_1970(moment: datetime, micros: int) -> None:
    assert to_micros(moment) == optional_micros(moment) == micros
    assert to_moment(micros) == optional_moment(micros) == moment
    assert to_moment(micros).tzinfo is UTC


def test_no_moment_stays_none() -> None:
    assert optional_micros(None) is None
    assert optional_moment(None) is None


@given(st.text())
def test_a_text_without_odd_characters_stays_as_it_is(text: str) -> None:
    kept = storable(text)
    assert len(kept) == len(text)
    assert "\x00" not in kept
    if "\x00" not in text:
        assert kept == text


@given(st.text(), st.sampled_from(["\ud800", "\udfff", "\x00"]), st.text())
def test_a_character_that_no_database_takes_is_replaced(before: str, odd: str, after: str) -> None:
    kept = storable(before + odd + after)
    assert len(kept) == len(before) + 1 + len(after)
    assert "\x00" not in kept
    kept.encode()


def test_json_keeps_everything_but_what_no_database_takes() -> None:
    value = {"a": ["x\x00", ("y\ud83d", 1.5, float("inf"))], "b": {"c": None, "d": True, "e": 2**70}}
    assert load_json(dump_json(value)) == {
        "a": ["x\ufffd", ["y\ufffd", 1.5, None]],
        "b": {"c": None, "d": True, "e": 2**70},
    }


@pytest.mark.parametrize("broken", ["", "[{", "[" * 100_000, b"\xff"])
def test_broken_json_is_nothing(broken: str | bytes) -> None:
    assert load_json(broken) is None

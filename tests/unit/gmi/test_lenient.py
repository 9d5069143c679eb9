"""Lenient reading: what makes sense is read, and nothing else."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from bot.gmi.lenient import TEXT_MAX, body_text, error_text, read_json, read_number, read_time


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1}\xef\xbb\xbf', None),
        (b"[1]", [1]),
        (b"", None),
        (b"<html>", None),
        (b'"\xff"', None),
        (b"[" * 100_000 + b"]" * 100_000, None),
    ],
)
def test_a_body_is_read_as_json_or_not_at_all(body: bytes, value: object) -> None:
    assert read_json(body) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (5, 5.0),
        (2.5, 2.5),
        ("2.5", 2.5),
        (" 7 ", 7.0),
        ("1" * 40, float("1" * 40)),
        ("1" * 41, float("1" * 40)),
        (-3, -3.0),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        (True, None),
        (math.nan, None),
        ("nan", None),
        ("soon", None),
        (None, None),
        ([1], None),
    ],
)
def test_a_number_may_stand_in_text(value: object, number: float | None) -> None:
    assert read_number(value) == number


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (1_767_225_600, datetime(2026, 1, 1, tzinfo=UTC)),
        (1_767_225_600_000, datetime(2026, 1, 1, tzinfo=UTC)),
        (0.5, datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=UTC)),
        (1e11, datetime(1973, 3, 3, 9, 46, 40, tzinfo=UTC)),
        (0, None),
        (-1, None),
        (10**30, None),
        (math.inf, None),
        ("1767225600", None),
        (None, None),
    ],
)
def test_a_time_is_in_seconds_or_milliseconds(value: object, moment: datetime | None) -> None:
    assert read_time(value) == moment


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("  no  ", "no"),
        ("x" * (TEXT_MAX + 5), "x" * TEXT_MAX),
        ({"code": "A", "message": "b"}, "A b"),
        ({"code": 5, "message": "b"}, "b"),
        ({"code": "A"}, "A"),
        ({"detail": "b"}, ""),
        ({}, ""),
        (5, ""),
        (None, ""),
        (["no"], ""),
    ],
)
def test_the_text_of_an_error(value: object, text: str) -> None:
    assert error_text(value) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": "a"}', "a"),
        (b'{"message": "b"}', "b"),
        (b'{"detail": "c"}', "c"),
        (b'{"detail": "c", "message": {"code": "b"}, "error": "a", "other": "d"}', "a\nb\nc"),
        (b'{"other": "d"}', ""),
        (b"plain", "plain"),
        (b'["a"]', '["a"]'),
        (b"x" * (TEXT_MAX + 5), "x" * TEXT_MAX),
        (b"\xff!", "\N{REPLACEMENT CHARACTER}!"),
    ],
)
def test_the_error_text_of_a_body(body: bytes, text: str) -> None:
    assert body_text(body) == text

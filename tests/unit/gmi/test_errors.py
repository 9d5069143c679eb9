"""What an answer that is no success means: whether the request was begun, why not, and how long to wait."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gmi.errors import RETRY_AFTER_MAX, retry_after

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, st.text(max_size=40), st.text(max_size=40))
def test_every_wait_is_bounded(value: object, header: str, date: str) -> None:
    body = json.dumps({"rate_limit": {"retry_after_ms": value}}).encode()
    wait = retry_after(body, {"retry-after": header, "date": date})
    assert wait is None or 1 <= wait <= RETRY_AFTER_MAX


@pytest.mark.parametrize(
    ("named", "headers", "waited"),
    [
        (2500, {}, 2.5),
        ("2500", {}, 2.5),
        ("2500.5", {}, 2.5005),
        (0, {}, 1.0),
        (10**400, {}, RETRY_AFTER_MAX),
        (float("inf"), {}, RETRY_AFTER_MAX),
        (float("nan"), {"retry-after": "7"}, 7.0),
        ("soon", {"retry-after": "1.5"}, 1.5),
        (True, {}, None),
        (-5, {}, None),
        ([], {"retry-after": "-3"}, None),
        (
            None,
            {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"},
            30.0,
        ),
        (None, {"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        (None, {"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
def test_the_time_to_wait(named: object, headers: dict[str, str], waited: float | None) -> None:
    body = json.dumps({"rate_limit": {"retry_after_ms": named}}).encode()
    assert retry_after(body, headers) == waited

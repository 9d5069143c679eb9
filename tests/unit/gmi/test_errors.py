"""What an answer that is no success means: whether the request was begun, why not, and how long to wait."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.gmi.errors import (
    RETRY_AFTER_MAX,
    SubmitOutcome,
    classify,
    read_error,
    retry_after,
    submit_error,
    vendor_code,
)
from bot.models.states import Reason

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
        (900_001, {}, 900.0),  # a member is shown no longer wait than a quarter of an hour
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


WAIT = {"retry-after": "7"}
REFUSED, NOT_SENT, UNCLEAR = SubmitOutcome.REFUSED, SubmitOutcome.NOT_SENT, SubmitOutcome.UNCLEAR
LATER = b'{"error": "capacity temporarily exhausted", "rate_limit": {"retry_after_ms": 8000}}'


def vendor(status: int, more: str = "") -> bytes:
    return json.dumps({"error": f"Backend error ({status}). {more}"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"", (REFUSED, Reason.KEY, "status 401", None, None)),
        (402, b"", (REFUSED, Reason.CREDIT, "status 402", None, None)),
        (403, b"policy", (REFUSED, Reason.KEY, "status 403", None, None)),
        (404, b"TaskTimeout", (REFUSED, Reason.MODEL, "status 404 (TaskTimeout)", None, None)),
        (429, b"", (NOT_SENT, Reason.RATE, "status 429", 7.0, None)),
        (429, b"capacity", (NOT_SENT, Reason.RATE, "status 429", 7.0, None)),
        (500, LATER, (NOT_SENT, Reason.CAPACITY, "status 500", 8.0, None)),
        (503, b"exhausted is the capacity", (NOT_SENT, Reason.CAPACITY, "status 503", 7.0, None)),
        (499, LATER, (UNCLEAR, Reason.UNCLEAR, "status 499", None, None)),
        (408, LATER, (UNCLEAR, Reason.UNCLEAR, "status 408", None, None)),
        (500, vendor(400), (REFUSED, Reason.PARAMETER, "status 500", None, None)),
        (500, vendor(401), (REFUSED, Reason.FAILED, "status 500", None, None)),
        (500, vendor(402), (REFUSED, Reason.FAILED, "status 500", None, None)),
        (500, vendor(403), (REFUSED, Reason.PARAMETER, "status 500", None, None)),
        (500, vendor(404), (REFUSED, Reason.FAILED, "status 500", None, None)),
        (500, vendor(402, "credit"), (REFUSED, Reason.CREDIT, "status 500", None, None)),
        (
            500,
            vendor(400, "AuditSubmitIllegal"),
            (REFUSED, Reason.POLICY, "status 500 (AuditSubmitIllegal)", None, "AuditSubmitIllegal"),
        ),
        (500, vendor(408), (UNCLEAR, Reason.UNCLEAR, "status 500", None, None)),
        (500, vendor(429), (UNCLEAR, Reason.UNCLEAR, "status 500", None, None)),
        (500, vendor(499), (UNCLEAR, Reason.UNCLEAR, "status 500", None, None)),
        (500, vendor(500), (UNCLEAR, Reason.UNCLEAR, "status 500", None, None)),
        (500, vendor(399), (UNCLEAR, Reason.UNCLEAR, "status 500", None, None)),
        (400, vendor(503), (UNCLEAR, Reason.UNCLEAR, "status 400", None, None)),
        (400, b"", (REFUSED, Reason.PARAMETER, "status 400", None, None)),
        (
            422,
            b"PageSizeOutOfRange",
            (REFUSED, Reason.PARAMETER, "status 422 (PageSizeOutOfRange)", None, "PageSizeOutOfRange"),
        ),
        (400, b"blocked", (REFUSED, Reason.POLICY, "status 400", None, None)),
        (400, b"overloaded", (REFUSED, Reason.CAPACITY, "status 400", None, None)),
        (500, b"", (UNCLEAR, Reason.UNCLEAR, "status 500", None, None)),
        (503, b"capacity", (UNCLEAR, Reason.UNCLEAR, "status 503", None, None)),
        (302, b"", (UNCLEAR, Reason.UNCLEAR, "status 302", None, None)),
        (399, b"TaskTimeout", (UNCLEAR, Reason.UNCLEAR, "status 399 (TaskTimeout)", None, None)),
    ],
)
def test_what_an_answer_says_about_the_post(
    status: int, body: bytes, expected: tuple[SubmitOutcome, Reason, str, float | None, str | None]
) -> None:
    error = submit_error(status, body, WAIT)
    assert (error.outcome, error.reason, str(error), error.retry_after, error.detail) == expected


@pytest.mark.parametrize(
    ("status", "body", "concerns_everybody"),
    [
        (401, b"", True),
        (402, b"", True),
        (403, b"", True),
        (404, b"", False),
        (429, b"", False),
        # A text may quote the prompt of a member, who must not stop everybody with a word.
        (400, b"moderation: 'my credit card'", False),
        (400, vendor(402, "Insufficient credits"), False),
        (500, vendor(401), False),
        (503, LATER, False),
    ],
)
def test_only_the_status_says_that_every_request_would_be_refused(
    status: int, body: bytes, concerns_everybody: bool
) -> None:
    assert submit_error(status, body, WAIT).concerns_everybody is concerns_everybody


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, Reason.KEY),
        (403, Reason.KEY),
        (402, Reason.UNREACHABLE),
        (404, Reason.UNREACHABLE),
        (429, Reason.UNREACHABLE),
        (502, Reason.UNREACHABLE),
    ],
)
def test_what_an_answer_says_to_a_question(status: int, reason: Reason) -> None:
    error = read_error(status, b'{"rate_limit": {"retry_after_ms": 5000}}', {})
    assert (error.outcome, error.reason, str(error)) == (NOT_SENT, reason, f"status {status}")
    assert (error.retry_after, error.detail) == (5.0, None)
    assert read_error(status, b"", WAIT).retry_after == 7.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Insufficient CREDITs for this policy", Reason.CREDIT),
        ("Too Many Requests", Reason.RATE),
        ("Rate limit of the safety filter", Reason.RATE),
        *((word, Reason.POLICY) for word in ("audit", "Policy", "moderation", "sensitive", "prohibited")),
        *((word, Reason.POLICY) for word in ("NSFW", "unsafe", "safety", "blocked", "copyrighted")),
        ("the image was blocked at its download", Reason.POLICY),
        ("ImageDownloadFailure", Reason.DOWNLOAD),
        ("VideoFormatInvalid", Reason.REFERENCE),
        ("Failed to download the image", Reason.DOWNLOAD),
        ("fetching your first file", Reason.DOWNLOAD),
        ("could not fetch url", Reason.DOWNLOAD),
        ("download", None),
        ("the image", None),
        ("at capacity", Reason.CAPACITY),
        ("overloaded", Reason.CAPACITY),
        ("TaskTimeout", None),
        ("", None),
    ],
)
def test_reasons_are_known_by_their_words(text: str, reason: Reason | None) -> None:
    assert classify(text) is reason


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("TaskTimeout", "TaskTimeout"),
        ("the task: TaskTimeout, PageSizeOutOfRange", "TaskTimeout"),
        ("Timeout", None),
        ("a SecretPrompt-like text", "SecretPrompt"),
        ("ABCDEF", None),
        ("OneTwoThreeFourFiveSixSeven", None),
        ("Xy1Zz", None),
        ("", None),
    ],
)
def test_a_code_of_the_vendor_is_safe_to_repeat(text: str, code: str | None) -> None:
    assert vendor_code(text) == code

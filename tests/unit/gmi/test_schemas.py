"""What GMI Cloud sends: no value and no bytes break the reader, or become a link that is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.gmi.errors import RETRY_AFTER_MAX, GmiError, SubmitOutcome, retry_after, submit_error
from bot.gmi.schemas import (
    ID_MAX,
    LINK_MAX,
    RESULTS_MAX,
    RequestStatus,
    parse_list,
    parse_record,
    read_record,
)
from bot.models.states import Reason, State

LINK = "https://cdn.example.invalid/a.mp4"

odd_texts = st.sampled_from(
    [
        LINK,
        "http://cdn.example.invalid/a.mp4",
        "https://",
        "https:///a.mp4",
        "https://[::1/a.mp4",
        "https://a:99999/",
        "ftp://a/b",
        "javascript:alert(1)",
        "https://a.invalid/b c.mp4",
        "https://a.invalid/b>c.mp4",
        "https://a.invalid/\u202egp4.exe",
        "//a.invalid/b.mp4",
        "https://cdn.example.invalid@a.invalid/b.mp4",
        "https://a.invalid/" + "x" * LINK_MAX,
        "success",
        "FAILED",
        "canceled",
        "r" * (ID_MAX + 1),
        "..",
        "\ud800",
    ]
)
keys = st.text(max_size=6) | st.sampled_from(
    [
        "request_id",
        "status",
        "outcome",
        "payload",
        "created_at",
        "error",
        "error_message",
        "reason",
        "message",
        "code",
        "media_urls",
        "video_url",
        "url",
        "thumbnail_image_url",
        "rate_limit",
        "retry_after_ms",
        "requests",
        "seed",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | odd_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
records = st.dictionaries(keys, json_values, max_size=8)
statuses = st.sampled_from(["success", "finished", "failed", "error", "cancelled", "processing", "odd", ""])


def check(found: RequestStatus | None, *, plain_http: bool = False) -> None:
    """Hold what must be true of whatever is read."""
    if found is None:
        return
    assert 0 < len(found.request_id) <= ID_MAX
    assert len(found.results) <= RESULTS_MAX
    for link in found.results:
        assert link.startswith(("https://", "http://") if plain_http else "https://")
        assert len(link) <= LINK_MAX
        assert link.isprintable()
        assert not set(link) & set(" <>")
        assert "@" not in link.split("/")[2]
    if found.results:
        assert found.state is State.SUCCEEDED
    if found.state is State.CANCELLED:
        assert found.reason is Reason.CANCELLED
    if found.state not in {State.FAILED, State.CANCELLED}:
        assert (found.reason, found.detail) == (None, None)
    assert found.detail is None or len(found.detail) <= 100
    assert found.created_at is None or found.created_at.tzinfo is not None


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine generates slowly
@given(json_values, st.booleans())
def test_no_value_breaks_the_reader(value: object, plain_http: bool) -> None:
    check(read_record(value, plain_http=plain_http), plain_http=plain_http)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(statuses, records, records)
def test_no_record_breaks_the_reader(status: str, record: dict[str, Any], outcome: dict[str, Any]) -> None:
    found = read_record(record | {"request_id": "r", "status": status, "outcome": outcome})
    assert found is not None
    check(found)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=200) | records.map(lambda record: json.dumps(record).encode()), st.integers(300, 599)
)
@example(b"[" * 100_000 + b"]" * 100_000, 500)
@example(b'{"error":' * 100_000, 429)
@example(b"9" * 10_000, 429)
@example(b"", 503)
def test_no_bytes_break_the_reader(body: bytes, status: int) -> None:
    check(parse_record(body))
    try:
        page = parse_list(body)
    except GmiError:
        pass
    else:
        for found in page.statuses:
            check(found)
        assert page.size == len(body)
    error = submit_error(status, body, {})
    assert error.outcome in set(SubmitOutcome)
    wait = retry_after(body, {})
    assert wait is None or 1 <= wait <= RETRY_AFTER_MAX


@pytest.mark.parametrize(
    ("value", "year"),
    [
        (1_767_225_600, 2026),
        (1_767_225_600.5, 2026),
        (1_767_225_600_000, 2026),
        ("2026-01-01T00:00:00Z", None),
        (-1, None),
        (float("inf"), None),
        (10**400, None),
        (True, None),
        ({}, None),
    ],
)
def test_a_time_that_makes_no_sense_costs_the_time_only(value: object, year: int | None) -> None:
    found = read_record({"request_id": "r", "status": "queued", "created_at": value})
    assert found is not None
    assert found.state is State.QUEUED
    assert found.created_at is None if year is None else found.created_at.year == year  # type: ignore[union-attr]
    assert year is None or found.created_at >= datetime(2026, 1, 1, tzinfo=UTC)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        ({}, None, None),
        ({"outcome": {"error": ""}}, None, None),
        ({"outcome": {"error": {"code": 5}}}, None, None),
        ({"outcome": {"error_message": "blocked by the safety filter"}}, Reason.POLICY, None),
        ({"outcome": {"reason": "copyrighted content"}}, Reason.POLICY, None),
        ({"outcome": "VideoDownloadFailure"}, Reason.DOWNLOAD, "VideoDownloadFailure"),
        ({"outcome": {"error": {"code": "TaskTimeout", "message": "x"}}}, Reason.FAILED, "TaskTimeout"),
        ({"error": {"message": "Too many requests"}}, Reason.RATE, None),
        ({"reason": "no idea"}, Reason.FAILED, None),
        ({"outcome": {"error": "No"}, "error": "CreditInsufficient"}, Reason.CREDIT, "CreditInsufficient"),
    ],
)
def test_a_reason_is_found_where_clients_have_seen_it(
    record: dict[str, object], reason: Reason | None, detail: str | None
) -> None:
    found = read_record({"request_id": "r", "status": "failed"} | record)
    assert found is not None
    assert (found.reason, found.detail) == (reason, detail)


@pytest.mark.parametrize(
    "request_id", ["", " ", "a b", "..", ".", "a\nb", "x" * 201, None, True, 1.5, -1, [], {}]
)
def test_what_is_no_id_names_no_request(request_id: object) -> None:
    assert read_record({"request_id": request_id, "status": "success"}) is None


def test_a_number_is_an_id_as_well() -> None:
    found = read_record({"request_id": 12345, "status": "queued"})
    assert found is not None
    assert found.request_id == "12345"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *((word, State.QUEUED) for word in ("created", "queued", "dispatched", "QUEUED", " queued\n")),
        ("processing", State.PROCESSING),
        *((word, State.SUCCEEDED) for word in ("success", "succeeded", "finished", "completed")),
        *((word, State.FAILED) for word in ("failed", "error")),
        *((word, State.CANCELLED) for word in ("cancelled", "canceled")),
        ("", None),
        ("who knows", None),
        (None, None),
        (7, None),
        ({}, None),
        ([], None),
    ],
)
def test_every_word_of_a_status(word: object, state: State | None) -> None:
    found = read_record({"request_id": "r", "status": word})
    assert found is not None
    assert found.state is state
    assert found.is_incomplete is (state in {State.SUCCEEDED, State.FAILED, None})


@pytest.mark.parametrize("key", ["error", "error_message", "reason", "message"])
def test_a_reason_may_stand_under_any_known_key_in_the_outcome_or_beside_it(key: str) -> None:
    for record in ({"outcome": {key: "TaskTimeout"}}, {key: "TaskTimeout"}):
        found = read_record({"request_id": "r", "status": "failed"} | record)
        assert found is not None
        assert (found.reason, found.detail, found.is_incomplete) == (Reason.FAILED, "TaskTimeout", False)


def test_a_cancelled_request_needs_no_reason() -> None:
    found = read_record({"request_id": "r", "status": "cancelled", "outcome": {"error": "TaskTimeout"}})
    assert found is not None
    assert (found.reason, found.detail, found.is_incomplete) == (Reason.CANCELLED, None, False)


@pytest.mark.parametrize("payload", [{"seed": 7}, {}, None, [1], "x"])
def test_only_an_object_is_a_payload(payload: object) -> None:
    found = read_record({"request_id": "r", "status": "queued", "payload": payload, "created_at": 7})
    assert found is not None
    assert found.payload == (payload if isinstance(payload, dict) else None)
    assert found.created_at == datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("r" * ID_MAX, "r" * ID_MAX),
        ("r" * (ID_MAX + 1), None),
        (0, "0"),
        (2**63 - 1, str(2**63 - 1)),
        (2**63, None),
        ("a/b?c#d", "a/b?c#d"),
        ("a..b", "a..b"),
        (".X.", ".X."),
        ("...", None),
        ("a\tb", None),
        ("a\u00a0b", None),
        ("\u202e", None),
    ],
)
def test_what_can_name_a_request(written: object, read: str | None) -> None:
    found = read_record({"request_id": written})
    assert (None if found is None else found.request_id) == read


def test_a_list_is_measured_with_all_its_records() -> None:
    body = json.dumps({"requests": [{"request_id": "r"}, 7, {"request_id": None}]}).encode()
    page = parse_list(body)
    assert [found.request_id for found in page.statuses] == ["r"]
    assert (page.size, page.records) == (len(body), 3)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"requests": {}}', b'{"requests": null}', b"7"])
def test_what_is_no_list_is_no_answer(body: bytes) -> None:
    with pytest.raises(GmiError, match=r"^unreadable list$") as caught:
        parse_list(body)
    assert (caught.value.outcome, caught.value.reason) == (SubmitOutcome.NOT_SENT, Reason.UNREACHABLE)

"""What GMI Cloud's answers mean: no value and no bytes break the reader, or become a link that is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.gmi.answers import (
    ID_MAX,
    LINK_MAX,
    RESULTS_MAX,
    RETRY_AFTER_MAX,
    GmiError,
    RequestStatus,
    SubmitOutcome,
    parse_list,
    parse_record,
    read_record,
    retry_after,
    submit_error,
)
from bot.models.jobs import Reason, State

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


def check(report: RequestStatus | None, *, plain_http: bool = False) -> None:
    """Hold what must be true of whatever is read."""
    if report is None:
        return
    assert 0 < len(report.request_id) <= ID_MAX
    assert len(report.results) <= RESULTS_MAX
    for link in report.results:
        assert link.startswith(("https://", "http://") if plain_http else "https://")
        assert len(link) <= LINK_MAX
        assert link.isprintable()
        assert not set(link) & set(" <>")
        assert "@" not in link.split("/")[2]
    if report.results:
        assert report.state is State.SUCCEEDED
    if report.state is State.CANCELLED:
        assert report.reason is Reason.CANCELLED
    if report.state not in {State.FAILED, State.CANCELLED}:
        assert (report.reason, report.detail) == (None, None)
    assert report.detail is None or len(report.detail) <= 100
    assert report.created_at is None or report.created_at.tzinfo is not None


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine generates slowly
@given(json_values, st.booleans())
def test_no_value_breaks_the_reader(value: object, plain_http: bool) -> None:
    check(read_record(value, plain_http=plain_http), plain_http=plain_http)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(statuses, records, records)
def test_no_record_breaks_the_reader(status: str, record: dict[str, Any], outcome: dict[str, Any]) -> None:
    report = read_record(record | {"request_id": "r", "status": status, "outcome": outcome})
    assert report is not None
    check(report)


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
        for report in page.reports:
            check(report)
        assert page.size == len(body)
    error = submit_error(status, body, {})
    assert error.outcome in set(SubmitOutcome)
    wait = retry_after(body, {})
    assert wait is None or 1 <= wait <= RETRY_AFTER_MAX


@given(json_values, st.text(max_size=40), st.text(max_size=40))
def test_every_wait_is_bounded(value: object, header: str, date: str) -> None:
    body = json.dumps({"rate_limit": {"retry_after_ms": value}}).encode()
    wait = retry_after(body, {"retry-after": header, "date": date})
    assert wait is None or 1 <= wait <= RETRY_AFTER_MAX


@pytest.mark.parametrize(
    ("told", "headers", "waited"),
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
def test_the_time_to_wait(told: object, headers: dict[str, str], waited: float | None) -> None:
    body = json.dumps({"rate_limit": {"retry_after_ms": told}}).encode()
    assert retry_after(body, headers) == waited


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
    report = read_record({"request_id": "r", "status": "queued", "created_at": value})
    assert report is not None
    assert report.state is State.QUEUED
    assert report.created_at is None if year is None else report.created_at.year == year  # type: ignore[union-attr]
    assert year is None or report.created_at >= datetime(2026, 1, 1, tzinfo=UTC)  # type: ignore[operator]


@pytest.mark.parametrize(
    "outcome",
    [
        {"media_urls": [{"id": "0", "url": LINK}, {"id": "1", "url": LINK}]},
        {"media_urls": [LINK]},
        {"media_urls": LINK},
        {"media_urls": {"url": LINK}},
        {"media_urls": [], "video_url": LINK, "thumbnail_image_url": "https://cdn.example.invalid/t.mp4"},
        {"url": LINK, "thumbnail_image_url": "https://cdn.example.invalid/t.mp4"},
    ],
)
@pytest.mark.parametrize("status", ["success", " Success ", "finished", "queued", "who knows", None, 7])
def test_a_record_with_a_link_is_a_success(outcome: object, status: object) -> None:
    report = read_record({"request_id": "r", "status": status, "outcome": outcome})
    assert report is not None
    assert (report.state, report.results) == (State.SUCCEEDED, (LINK,))


@pytest.mark.parametrize("status", ["failed", "ERROR", "cancelled", "canceled"])
def test_a_failure_with_a_link_stays_a_failure(status: str) -> None:
    report = read_record({"request_id": "r", "status": status, "outcome": {"media_urls": [LINK]}})
    assert report is not None
    assert report.state in {State.FAILED, State.CANCELLED}
    assert report.results == ()


@pytest.mark.parametrize(
    "outcome",
    [
        None,
        {},
        {"media_urls": []},
        {"thumbnail_image_url": LINK},
        {"media_urls": [{"thumbnail": {"url": LINK}}]},
        {"nested": {"video_url": LINK}},
        LINK,
        [LINK],
    ],
)
def test_a_link_is_read_by_its_key_only(outcome: object) -> None:
    report = read_record({"request_id": "r", "status": "success", "outcome": outcome})
    assert report is not None
    assert (report.state, report.results, report.lacks_something) == (State.SUCCEEDED, (), True)


@pytest.mark.parametrize(
    ("record", "reason", "detail"),
    [
        ({}, None, None),
        ({"outcome": {"error": ""}}, None, None),
        ({"outcome": {"error": {"code": 5}}}, None, None),
        ({"outcome": {"error_message": "blocked by the safety filter"}}, Reason.POLICY, None),
        ({"outcome": {"reason": "copyrighted content"}}, Reason.POLICY, None),
        ({"outcome": "VideoDownloadFailure"}, Reason.REFERENCE, "VideoDownloadFailure"),
        ({"outcome": {"error": {"code": "TaskTimeout", "message": "x"}}}, Reason.FAILED, "TaskTimeout"),
        ({"error": {"message": "Too many requests"}}, Reason.RATE, None),
        ({"reason": "no idea"}, Reason.FAILED, None),
        ({"outcome": {"error": "No"}, "error": "CreditInsufficient"}, Reason.CREDIT, "CreditInsufficient"),
    ],
)
def test_a_reason_is_found_where_clients_have_seen_it(
    record: dict[str, object], reason: Reason | None, detail: str | None
) -> None:
    report = read_record({"request_id": "r", "status": "failed"} | record)
    assert report is not None
    assert (report.reason, report.detail) == (reason, detail)


@pytest.mark.parametrize(
    "request_id", ["", " ", "a b", "..", ".", "a\nb", "x" * 201, None, True, 1.5, -1, [], {}]
)
def test_what_is_no_id_names_no_request(request_id: object) -> None:
    assert read_record({"request_id": request_id, "status": "success"}) is None


def test_a_number_is_an_id_as_well() -> None:
    report = read_record({"request_id": 12345, "status": "queued"})
    assert report is not None
    assert report.request_id == "12345"

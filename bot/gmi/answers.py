"""What GMI Cloud's answers mean: its records, its errors, and what a broken POST says about itself.

Nothing here trusts an answer: everything is read by its key and bounded, and what makes no sense is absent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic_core import from_json

from bot.models.jobs import Reason, State

RETRY_AFTER_MAX = 15 * 60.0  # seconds; a longer wait would only hide the problem from the member
ID_MAX = 200  # characters; GMI's ids are opaque, and much shorter
LINK_MAX = 8192  # characters; a signed link has several hundred, with a session token in it some thousand
RESULTS_MAX = 10  # videos of one request; a message has room for ten files [Discord]
TEXT_MAX = 2000  # characters of an error that are looked at
MILLISECONDS_FROM = 1e11  # a time from here on is in milliseconds: in seconds it would be the year 5138

# Any other word counts as still working. "finished", "completed" and "error" are known from other clients.
_STATES = {
    "created": State.QUEUED,
    "queued": State.QUEUED,
    "dispatched": State.QUEUED,
    "processing": State.PROCESSING,
    "success": State.SUCCEEDED,
    "succeeded": State.SUCCEEDED,
    "finished": State.SUCCEEDED,
    "completed": State.SUCCEEDED,
    "failed": State.FAILED,
    "error": State.FAILED,
    "cancelled": State.CANCELLED,
    "canceled": State.CANCELLED,
}

_REFUSALS = {401: Reason.KEY, 402: Reason.CREDIT, 403: Reason.KEY, 404: Reason.MODEL}
# Of all 4xx these do not say whether the request was begun: a timeout, and a proxy that hung up.
_UNCLEAR_REFUSALS = {408, 499}

# What GMI and Vidu write when they say no, most telling first.
_REASONS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"credit", re.I), Reason.CREDIT),
    (re.compile(r"too many requests|rate limit", re.I), Reason.RATE),
    (
        re.compile(
            r"audit|policy|moderation|sensitive|prohibited|nsfw|unsafe|safety|blocked|copyright", re.I
        ),
        Reason.POLICY,
    ),
    (
        re.compile(r"(image|video)(download|format)|(download|fetch)\w* (\w+ )*(image|video|file|url)", re.I),
        Reason.REFERENCE,
    ),
    (re.compile(r"capacity|overloaded", re.I), Reason.CAPACITY),
)
# The one sentence that proves that GMI has begun nothing; a bare 503 may come from a proxy after the fact.
_EXHAUSTED = re.compile(r"\bcapacity\b[^.\n]{0,40}\bexhausted\b|\bexhausted\b[^.\n]{0,40}\bcapacity\b", re.I)
_BACKEND = re.compile(r"backend error \((\d{3})\)", re.I)
# What the vendor answers when it did not even look at the member's request.
_VENDORS_OWN_TROUBLE = {401, 402, 404}
# A vendor's reason such as TaskTimeout or PageSizeOutOfRange is safe to repeat; its prose may quote anything.
_CODE = re.compile(r"\b(?:[A-Z][a-z]{1,14}){2,6}\b")
_NOT_IN_LINKS = re.compile(r"[\s<>\"\\]")  # a client that is sloppy about escaping leaves these in


class SubmitOutcome(StrEnum):
    """What an error says about the request that met it."""

    REFUSED = "refused"  # GMI said no, and would again
    NOT_SENT = "not sent"  # it certainly did not arrive: it may be sent again
    UNCLEAR = "unclear"  # it may have been accepted


class GmiError(Exception):
    """GMI Cloud did not do what was asked. The text is for the log and holds no body of an answer."""

    def __init__(
        self,
        outcome: SubmitOutcome,
        reason: Reason,
        text: str,
        *,
        retry_after: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.reason = reason
        self.retry_after = retry_after  # seconds
        self.detail = detail


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """What GMI Cloud says of one request."""

    request_id: str
    state: State | None  # None: a word that we do not know, which counts as still working
    results: tuple[str, ...] = ()  # none beside a success: its links are still to come
    reason: Reason | None = None  # None beside a failure: no reason was given
    detail: str | None = None
    payload: dict[str, Any] | None = None
    created_at: datetime | None = None

    @property
    def lacks_something(self) -> bool:
        """Tell whether it names an end without its link or without its reason, or says nothing we know."""
        if self.state is State.SUCCEEDED:
            return not self.results
        return self.state is None or (self.state is State.FAILED and self.reason is None)


@dataclass(frozen=True, slots=True)
class RequestList:
    """What GMI's list of requests shows, and what it cost to read."""

    reports: list[RequestStatus]
    size: int = 0  # bytes
    records: int = 0  # also those that make no sense


def parse_record(body: bytes, *, plain_http: bool = False) -> RequestStatus | None:
    """Return what the body of an answer says of one request, None where it says nothing."""
    return read_record(_json(body), plain_http=plain_http)


def parse_list(body: bytes, *, plain_http: bool = False) -> RequestList:
    """Return the records of a list, without those that make no sense. Raises GmiError where it is no list."""
    page = _json(body)
    records = page.get("requests") if isinstance(page, dict) else None
    if not isinstance(records, list):
        raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "unreadable list")
    reports = (read_record(record, plain_http=plain_http) for record in records)
    return RequestList([report for report in reports if report is not None], len(body), len(records))


def read_record(record: object, *, plain_http: bool = False) -> RequestStatus | None:
    """Return what one record says, None where it names no request.

    Links count with https only, and with http where that is allowed.
    """
    if not isinstance(record, dict):
        return None
    request_id = _request_id(record.get("request_id"))
    if request_id is None:
        return None
    status, outcome, payload = record.get("status"), record.get("outcome"), record.get("payload")
    state = _STATES.get(status.strip().lower()) if isinstance(status, str) else None
    results = _links(outcome, plain_http=plain_http) if isinstance(outcome, dict) else ()
    if state in {State.FAILED, State.CANCELLED}:
        results = ()
    elif results:
        state = State.SUCCEEDED
    reason, detail = _why(state, record, outcome)
    payload = payload if isinstance(payload, dict) else None
    return RequestStatus(
        request_id, state, results, reason, detail, payload, _moment(record.get("created_at"))
    )


def submit_error(status: int, body: bytes, headers: Mapping[str, str]) -> GmiError:
    """Return what an answer to a POST that is no acceptance says: whether it may have been begun, and why."""
    text = _body_text(body)
    detail, known = _code(text), _classify(text)
    log = f"status {status}" + (f" ({detail})" if detail else "")
    wait = retry_after(body, headers)
    if status in _REFUSALS:
        return GmiError(SubmitOutcome.REFUSED, _REFUSALS[status], log)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return GmiError(SubmitOutcome.NOT_SENT, Reason.RATE, log, retry_after=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and _EXHAUSTED.search(text):
        return GmiError(SubmitOutcome.NOT_SENT, Reason.CAPACITY, log, retry_after=wait)
    vendor = _BACKEND.search(text)
    if vendor is not None:
        return _vendor_error(int(vendor[1]), known, log, detail)
    if 400 <= status < 500 and status not in _UNCLEAR_REFUSALS:
        return GmiError(SubmitOutcome.REFUSED, known or Reason.PARAMETER, log, detail=detail)
    # A redirect belongs here too: whoever answers with it may have passed the request on before.
    return GmiError(SubmitOutcome.UNCLEAR, Reason.UNCLEAR, log)


def retry_after(body: bytes, headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that the answer names, in its body first, then in its header; bounded."""
    value = _json(body)
    limit = value.get("rate_limit") if isinstance(value, dict) else None
    milliseconds = _number(limit.get("retry_after_ms")) if isinstance(limit, dict) else None
    seconds = milliseconds / 1000 if milliseconds is not None else _retry_header(headers)
    if seconds is None or seconds < 0:
        return None
    return min(max(seconds, 1.0), RETRY_AFTER_MAX)


def _vendor_error(status: int, known: Reason | None, log: str, detail: str | None) -> GmiError:
    """Return what it says that GMI's vendor answered with this status."""
    if not 400 <= status < 500 or status in {*_UNCLEAR_REFUSALS, HTTPStatus.TOO_MANY_REQUESTS}:
        return GmiError(SubmitOutcome.UNCLEAR, Reason.UNCLEAR, log)
    reason = Reason.FAILED if status in _VENDORS_OWN_TROUBLE else Reason.PARAMETER
    return GmiError(SubmitOutcome.REFUSED, known or reason, log, detail=detail)


def _request_id(value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= ID_MAX:
        return None
    # It becomes a part of a path: one of dots alone would lead elsewhere.
    usable = value.isprintable() and not any(map(str.isspace, value)) and value.strip(".") != ""
    return value if usable else None


def _links(outcome: dict[Any, Any], *, plain_http: bool) -> tuple[str, ...]:
    """Return the links to videos. By key: the thumbnail beside them is an mp4 as well."""
    media = outcome.get("media_urls")
    entries = media[: 10 * RESULTS_MAX] if isinstance(media, list) else [media]
    candidates = [entry.get("url") if isinstance(entry, dict) else entry for entry in entries]
    found = _readable_links(candidates, plain_http=plain_http)
    if not found:
        others = (outcome.get("video_url"), outcome.get("url"))
        found = _readable_links(others, plain_http=plain_http)[:1]
    return tuple(dict.fromkeys(found))[:RESULTS_MAX]


def _readable_links(values: Iterable[object], *, plain_http: bool) -> list[str]:
    links = (_link(value, plain_http=plain_http) for value in values)
    return [link for link in links if link is not None]


def _link(value: object, *, plain_http: bool) -> str | None:
    """Return a link to a public file as it is, with what no link may hold escaped; None for anything else."""
    if not isinstance(value, str) or not value[: LINK_MAX + 1].strip().isprintable():
        return None
    link = _NOT_IN_LINKS.sub(lambda found: quote(found.group()), value[: LINK_MAX + 1].strip())
    if len(link) > LINK_MAX:
        return None
    try:
        parts = urlsplit(link)
        allowed = parts.scheme == "https" or (plain_http and parts.scheme == "http")
        # A name before the host only makes a link look as if it led elsewhere.
        named = bool(parts.hostname) and "@" not in parts.netloc and "%" not in parts.netloc
        return link if allowed and named and (parts.port is None or parts.port > 0) else None
    except ValueError:
        return None


def _why(state: State | None, record: dict[Any, Any], outcome: object) -> tuple[Reason | None, str | None]:
    """Return why there is no video, and the vendor's own code of it."""
    if state is State.CANCELLED:
        return Reason.CANCELLED, None
    if state is not State.FAILED:
        return None, None
    inner = outcome if isinstance(outcome, dict) else {"error": outcome}
    told = [inner.get(key) for key in ("error", "error_message", "reason", "message")]
    told += [record.get(key) for key in ("error", "error_message", "reason", "message")]
    text = "\n".join(filter(None, map(_error_text, told)))
    if not text:
        return None, None
    return _classify(text) or Reason.FAILED, _code(text)


def _moment(value: object) -> datetime | None:
    """Return the moment of so many seconds or milliseconds since 1970; text is not understood."""
    seconds = None if isinstance(value, str) else _number(value)
    if seconds is None or seconds <= 0:
        return None
    if seconds >= MILLISECONDS_FROM:
        seconds /= 1000
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: object) -> float | None:
    """Return a number, also one in text. One too large for a float is infinite; what is no number is None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value[:40] if isinstance(value, str) else value)
    except OverflowError:
        return math.inf if not isinstance(value, str) and value > 0 else -math.inf
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _retry_header(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After, which may be a date: then by the clock of who answered."""
    value = headers.get("retry-after", "").strip()
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return (until - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _classify(text: str) -> Reason | None:
    return next((reason for pattern, reason in _REASONS if pattern.search(text)), None)


def _code(text: str) -> str | None:
    found = _CODE.search(text)
    return found.group() if found else None


def _json(body: bytes) -> Any:
    """Return what a body says, None where it cannot be read.

    This reader has a limit to how deep it looks; the standard library's raises RecursionError.
    """
    try:
        return from_json(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return None


def _body_text(body: bytes) -> str:
    value = _json(body)
    if not isinstance(value, dict):
        return body[:TEXT_MAX].decode(errors="replace")
    told = (value.get(key) for key in ("error", "message", "detail"))
    return "\n".join(filter(None, map(_error_text, told)))


def _error_text(value: object) -> str:
    if isinstance(value, dict):
        parts = (value.get("code"), value.get("message"))
        value = " ".join(part for part in parts if isinstance(part, str))
    return value[:TEXT_MAX].strip() if isinstance(value, str) else ""

"""What GMI Cloud sends: the record of a request, and the list of them.

Nothing here trusts an answer: everything is read by its key and bounded, and what makes no sense is absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from bot.gmi.errors import GmiError, SubmitOutcome, classify, vendor_code
from bot.gmi.lenient import error_text, read_json, read_time
from bot.models.states import Reason, State

ID_MAX = 200  # characters; GMI's ids are opaque, and much shorter
LINK_MAX = 8192  # characters; a signed link has several hundred, with a session token in it some thousand
RESULTS_MAX = 10  # videos of one request; a message has room for ten files [Discord]

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
# Where public clients have seen the reason of a failure, in the outcome and beside it.
_REASON_KEYS = ("error", "error_message", "reason", "message")
_NOT_IN_LINKS = re.compile(r"[\s<>\"\\]")  # a client that is sloppy about escaping leaves these in


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
    def is_incomplete(self) -> bool:
        """Tell whether it names an end without its link or without its reason, or says nothing we know."""
        if self.state is State.SUCCEEDED:
            return not self.results
        return self.state is None or (self.state is State.FAILED and self.reason is None)


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """Where a file may be stored, and where everybody finds it then."""

    upload_url: str  # signed: it goes into no log
    public_url: str

    def __repr__(self) -> str:
        """Leave the links out: whoever holds the first may store a file."""
        return "UploadPlace()"


@dataclass(frozen=True, slots=True)
class RequestList:
    """What GMI's list of requests shows, and what it cost to read."""

    statuses: list[RequestStatus]
    size: int = 0  # bytes
    records: int = 0  # also those that make no sense


def parse_record(body: bytes, *, plain_http: bool = False) -> RequestStatus | None:
    """Return what the body of an answer says of one request, None where it says nothing."""
    return read_record(read_json(body), plain_http=plain_http)


def parse_list(body: bytes, *, plain_http: bool = False) -> RequestList:
    """Return the records of a list, without those that make no sense. Raises GmiError where it is no list."""
    page = read_json(body)
    records = page.get("requests") if isinstance(page, dict) else None
    if not isinstance(records, list):
        raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "unreadable list")
    statuses = (read_record(record, plain_http=plain_http) for record in records)
    return RequestList([status for status in statuses if status is not None], len(body), len(records))


def parse_place(body: bytes, *, plain_http: bool = False) -> UploadPlace | None:
    """Return where the body of an answer says that a file may be stored, None where it doesn't."""
    value = read_json(body)
    if not isinstance(value, dict):
        return None
    upload, public = (
        read_link(value.get(key), plain_http=plain_http) for key in ("upload_url", "public_url")
    )
    return UploadPlace(upload, public) if upload and public else None


def read_record(record: object, *, plain_http: bool = False) -> RequestStatus | None:
    """Return what one record says, None where it names no request.

    Links count with https only, and with http where that is allowed.
    """
    if not isinstance(record, dict):
        return None
    request_id = _request_id(record.get("request_id"))
    if request_id is None:
        return None
    word, outcome, payload = record.get("status"), record.get("outcome"), record.get("payload")
    state = _STATES.get(word.strip().lower()) if isinstance(word, str) else None
    results = _links(outcome, plain_http=plain_http) if isinstance(outcome, dict) else ()
    if state in {State.FAILED, State.CANCELLED}:
        results = ()
    elif results:
        state = State.SUCCEEDED
    reason, detail = _end_reason(state, record, outcome)
    payload = payload if isinstance(payload, dict) else None
    return RequestStatus(
        request_id, state, results, reason, detail, payload, read_time(record.get("created_at"))
    )


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
    links = (read_link(value, plain_http=plain_http) for value in values)
    return [link for link in links if link is not None]


def read_link(value: object, *, plain_http: bool) -> str | None:
    """Return a link to a public file as it is, with what no link may hold escaped; None for anything else."""
    text = value.strip() if isinstance(value, str) else ""
    if len(text) > LINK_MAX or not text.isprintable():
        return None
    link = _NOT_IN_LINKS.sub(lambda found: quote(found.group()), text)
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


def _end_reason(
    state: State | None, record: dict[Any, Any], outcome: object
) -> tuple[Reason | None, str | None]:
    """Return why there is no video, and the vendor's own code of it."""
    if state is State.CANCELLED:
        return Reason.CANCELLED, None
    if state is not State.FAILED:
        return None, None
    inner = outcome if isinstance(outcome, dict) else {"error": outcome}
    found = [place.get(key) for place in (inner, record) for key in _REASON_KEYS]
    text = "\n".join(filter(None, map(error_text, found)))
    if not text:
        return None, None
    return classify(text) or Reason.FAILED, vendor_code(text)

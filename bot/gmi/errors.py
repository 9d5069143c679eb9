"""What an answer that is no success means: whether the request was begun, why not, and how long to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus

from bot.gmi.lenient import body_text, read_json, read_number
from bot.models.states import Reason

RETRY_AFTER_MAX = 15 * 60.0  # seconds; a longer wait would only hide the problem from the member
RETRY_AFTER_MIN = 1.0  # seconds

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
        re.compile(r"(image|video)download|(download|fetch)\w* (\w+ )*(image|video|file|url)", re.I),
        Reason.DOWNLOAD,
    ),
    (re.compile(r"(image|video)format", re.I), Reason.REFERENCE),
    (re.compile(r"capacity|overloaded", re.I), Reason.CAPACITY),
)
# The one sentence that proves that GMI has begun nothing; a bare 503 may come from a proxy after the fact.
_EXHAUSTED = re.compile(r"\bcapacity\b[^.\n]{0,40}\bexhausted\b|\bexhausted\b[^.\n]{0,40}\bcapacity\b", re.I)
_BACKEND = re.compile(r"backend error \((\d{3})\)", re.I)
# What the vendor answers when it did not even look at the member's request.
_VENDOR_TROUBLE = {401, 402, 404}
# A vendor's reason such as TaskTimeout or PageSizeOutOfRange is safe to repeat; its prose may quote anything.
_VENDOR_CODE = re.compile(r"\b(?:[A-Z][a-z]{1,14}){2,6}\b")


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
        concerns_everybody: bool = False,
        is_rate_limit: bool = False,
    ) -> None:
        super().__init__(text)
        self.outcome = outcome
        self.reason = reason
        self.retry_after = retry_after  # seconds
        self.detail = detail
        self.concerns_everybody = concerns_everybody  # every other request would be refused as well
        self.is_rate_limit = is_rate_limit  # there were too many, of anybody who uses the key


def submit_error(status: int, body: bytes, headers: Mapping[str, str]) -> GmiError:
    """Return what an answer to a POST that is no acceptance says: whether it may have been begun, and why."""
    text = body_text(body)
    detail, known = vendor_code(text), classify(text)
    log = f"status {status}" + (f" ({detail})" if detail else "")
    wait = retry_after(body, headers)
    if status in _REFUSALS:
        # Only by the status: a text may quote a prompt, and no member may stop everybody with a word.
        return GmiError(
            SubmitOutcome.REFUSED,
            _REFUSALS[status],
            log,
            concerns_everybody=_REFUSALS[status] in {Reason.CREDIT, Reason.KEY},
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return GmiError(SubmitOutcome.NOT_SENT, Reason.RATE, log, retry_after=wait, is_rate_limit=True)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and _EXHAUSTED.search(text):
        return GmiError(SubmitOutcome.NOT_SENT, Reason.CAPACITY, log, retry_after=wait)
    vendor = _BACKEND.search(text)
    if vendor is not None:
        return _vendor_error(int(vendor[1]), known, log, detail)
    if 400 <= status < 500 and status not in _UNCLEAR_REFUSALS:
        return GmiError(SubmitOutcome.REFUSED, known or Reason.PARAMETER, log, detail=detail)
    # A redirect belongs here too: whoever answers with it may have passed the request on before.
    return GmiError(SubmitOutcome.UNCLEAR, Reason.UNCLEAR, log)


def read_error(status: int, body: bytes, headers: Mapping[str, str]) -> GmiError:
    """Return what an answer to a question says that is no success."""
    reason = Reason.KEY if _REFUSALS.get(status) is Reason.KEY else Reason.UNREACHABLE
    return GmiError(
        SubmitOutcome.NOT_SENT,
        reason,
        f"status {status}",
        retry_after=retry_after(body, headers),
        is_rate_limit=status == HTTPStatus.TOO_MANY_REQUESTS,
    )


def place_error(status: int, body: bytes, headers: Mapping[str, str]) -> GmiError:
    """Return what an answer says that names no place for a file: whether it would be the same again."""
    error = read_error(status, body, headers)
    passing = status >= 500 or status in {*_UNCLEAR_REFUSALS, HTTPStatus.TOO_MANY_REQUESTS}
    if not passing:
        error.outcome = SubmitOutcome.REFUSED
    return error


def retry_after(body: bytes, headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that the answer names, in its body first, then in its header; bounded.

    The names of the headers are in lower case.
    """
    value = read_json(body)
    limit = value.get("rate_limit") if isinstance(value, dict) else None
    milliseconds = read_number(limit.get("retry_after_ms")) if isinstance(limit, dict) else None
    seconds = milliseconds / 1000 if milliseconds is not None else _retry_header(headers)
    if seconds is None or seconds < 0:
        return None
    return min(max(seconds, RETRY_AFTER_MIN), RETRY_AFTER_MAX)


def classify(text: str) -> Reason | None:
    """Return the reason that a text of GMI or Vidu names, None where it names none that we know."""
    return next((reason for pattern, reason in _REASONS if pattern.search(text)), None)


def vendor_code(text: str) -> str | None:
    """Return the vendor's own code in a text, such as TaskTimeout."""
    found = _VENDOR_CODE.search(text)
    return found.group() if found else None


def _vendor_error(status: int, known: Reason | None, log: str, detail: str | None) -> GmiError:
    """Return what it says that GMI's vendor answered with this status."""
    if not 400 <= status < 500 or status in {*_UNCLEAR_REFUSALS, HTTPStatus.TOO_MANY_REQUESTS}:
        return GmiError(SubmitOutcome.UNCLEAR, Reason.UNCLEAR, log)
    reason = Reason.FAILED if status in _VENDOR_TROUBLE else Reason.PARAMETER
    return GmiError(SubmitOutcome.REFUSED, known or reason, log, detail=detail)


def _retry_header(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After, which may be a date: then by the clock of who answered."""
    value = headers.get("retry-after", "").strip()
    seconds = read_number(value)
    if seconds is not None:
        return seconds
    try:
        until, now = parsedate_to_datetime(value), parsedate_to_datetime(headers.get("date", ""))
        return (until - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

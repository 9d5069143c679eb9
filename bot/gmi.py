"""GMI Cloud's request queue over HTTP: submit, status, list; and what its answers mean."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

import aiohttp
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter, ValidationError
from yarl import URL

from bot.jobs import Reason, State

QUEUE_PATH = "/api/v1/ie/requestqueue/apikey"
# A POST may wait for GMI's own database; a silent one becomes a search in the list, never a second POST.
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
LONG_LIST = 256 * 1024  # bytes; a shorter one is parsed in 5 ms
ANSWER_MAX = 8 * 1024 * 1024  # bytes; a list of thousands of requests stays below it
RETRY_AFTER_MAX = 15 * 60.0  # seconds; a longer wait would only hide the problem from the member

_STATES = {
    "created": State.QUEUED,
    "queued": State.QUEUED,
    "dispatched": State.QUEUED,
    "processing": State.PROCESSING,
    "success": State.SUCCEEDED,
    "failed": State.FAILED,
    "cancelled": State.CANCELLED,
}

_REFUSALS = {401: Reason.KEY, 402: Reason.CREDIT, 403: Reason.KEY, 404: Reason.MODEL}

# What GMI and Vidu write when they say no, most telling first.
_REASONS: tuple[tuple[re.Pattern[str], Reason], ...] = (
    (re.compile(r"credit", re.I), Reason.CREDIT),
    (re.compile(r"audit|policy|moderation|sensitive|prohibited|nsfw|unsafe", re.I), Reason.POLICY),
    (
        re.compile(r"image(download|format)|(download|fetch)\w* (\w+ )*(image|video|file|url)", re.I),
        Reason.REFERENCE,
    ),
    (re.compile(r"capacity|overloaded", re.I), Reason.CAPACITY),
)
# A vendor's reason such as TaskTimeout or PageSizeOutOfRange is safe to repeat; its prose may quote anything.
_CODE = re.compile(r"\b(?:[A-Z][a-z]+){2,6}\b")


class Verdict(StrEnum):
    """What an error says about the request that met it."""

    REFUSED = "refused"  # GMI said no, and would again
    NOT_SENT = "not sent"  # it certainly did not arrive: it may be sent again
    UNCLEAR = "unclear"  # it may have been accepted


class GmiError(Exception):
    """GMI Cloud did not do what was asked. The text is for the log and holds no body of an answer."""

    def __init__(
        self,
        verdict: Verdict,
        reason: Reason,
        text: str,
        *,
        retry_after: float | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(text)
        self.verdict = verdict
        self.reason = reason
        self.retry_after = retry_after  # seconds
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Report:
    """What GMI Cloud says of one request."""

    request_id: str
    state: State | None  # None: a word that we do not know, which counts as still working
    results: tuple[str, ...] = ()
    reason: Reason | None = None
    detail: str | None = None
    payload: dict[str, Any] | None = None
    created_at: datetime | None = None


def _lenient_outcome(value: Any) -> Any:
    return value if isinstance(value, dict) else None


def _lenient_items(value: Any) -> Any:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _lenient_text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _lenient_time(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


class _Media(BaseModel):
    url: Annotated[str | None, BeforeValidator(_lenient_text)] = None


class _Outcome(BaseModel):
    media_urls: Annotated[list[_Media], BeforeValidator(_lenient_items)] = []
    video_url: Annotated[str | None, BeforeValidator(_lenient_text)] = None
    error: Any = None

    def urls(self) -> tuple[str, ...]:
        found = [media.url for media in self.media_urls if media.url]
        if not found and self.video_url:
            found = [self.video_url]
        return tuple(dict.fromkeys(url for url in found if url.startswith(("https://", "http://"))))


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore")

    request_id: str
    status: Annotated[str | None, BeforeValidator(_lenient_text)] = None
    outcome: Annotated[_Outcome | None, BeforeValidator(_lenient_outcome)] = None
    payload: Annotated[dict[str, Any] | None, BeforeValidator(_lenient_outcome)] = None
    created_at: Annotated[float | None, BeforeValidator(_lenient_time)] = None
    error: Any = None
    reason: Any = None

    def report(self) -> Report:
        state = _STATES.get((self.status or "").lower())
        results = self.outcome.urls() if self.outcome else ()
        reason = detail = None
        if state is State.SUCCEEDED and not results:
            state, reason = State.FAILED, Reason.NO_RESULT
        elif state is State.FAILED:
            text = _error_text((self.outcome and self.outcome.error) or self.error or self.reason)
            reason, detail = _classify(text) or Reason.FAILED, _code(text)
        elif state is State.CANCELLED:
            reason = Reason.CANCELLED
        created = datetime.fromtimestamp(self.created_at, UTC) if self.created_at else None
        return Report(self.request_id, state, results, reason, detail, self.payload, created)


class _Page(BaseModel):
    requests: list[Any]


_PAGE: TypeAdapter[_Page] = TypeAdapter(_Page)


class GmiCloud:
    """A client of one organisation's request queue."""

    def __init__(
        self, session: aiohttp.ClientSession, base_url: str, key: str, organization: str | None
    ) -> None:
        self._session = session
        self._queue = URL(base_url.rstrip("/") + QUEUE_PATH)
        self._headers = {"Authorization": f"Bearer {key}"}
        if organization:
            self._headers["X-Organization-ID"] = organization

    async def submit(self, model: str, payload: dict[str, object]) -> Report:
        """Send one request that costs money; never sends it a second time.

        Raises GmiError, whose verdict tells whether it may have been accepted.
        """
        try:
            status, body, headers = await self._call(
                "POST", self._queue / "requests", {"model": model, "payload": payload}
            )
        except aiohttp.ClientConnectorError as error:
            raise GmiError(
                Verdict.NOT_SENT, Reason.UNREACHABLE, f"no connection: {type(error).__name__}"
            ) from None
        except aiohttp.ConnectionTimeoutError:
            raise GmiError(Verdict.NOT_SENT, Reason.UNREACHABLE, "no connection in time") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GmiError(Verdict.UNCLEAR, Reason.UNCLEAR, f"broken off: {type(error).__name__}") from None
        if status >= HTTPStatus.BAD_REQUEST:
            raise _submit_error(status, body, headers)
        report = _parse_record(body)
        if report is None:
            raise GmiError(Verdict.UNCLEAR, Reason.UNCLEAR, f"unreadable answer with status {status}")
        return report

    async def status(self, request_id: str) -> Report:
        """Ask how one request stands. Raises GmiError."""
        body = await self._get(self._queue / "requests" / request_id)
        report = _parse_record(body)
        if report is None:
            raise GmiError(Verdict.NOT_SENT, Reason.UNREACHABLE, "unreadable status")
        return report

    async def cancel(self, request_id: str) -> bool:
        """Ask to cancel one request; tell whether GMI agreed. Not documented: only the status is proof."""
        try:
            status, _, _ = await self._call("DELETE", self._queue / "requests" / request_id, None)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
        return status < HTTPStatus.MULTIPLE_CHOICES

    async def requests(self, model: str) -> list[Report]:
        """Ask for the list of this model's requests, without records that make no sense. Raises GmiError."""
        body = await self._get((self._queue / "requests").with_query(model_id=model))
        if len(body) < LONG_LIST:
            return _parse_list(body)
        # Thousands of records would hold up everybody's answer while they are parsed.
        return await asyncio.to_thread(_parse_list, body)

    async def _get(self, url: URL) -> bytes:
        try:
            status, body, headers = await self._call("GET", url, None)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise GmiError(
                Verdict.NOT_SENT, Reason.UNREACHABLE, f"no answer: {type(error).__name__}"
            ) from None
        if status >= HTTPStatus.BAD_REQUEST:
            reason = Reason.KEY if status in (401, 403) else Reason.UNREACHABLE
            raise GmiError(
                Verdict.NOT_SENT, reason, f"status {status}", retry_after=_retry_after(body, headers)
            )
        return body

    async def _call(self, method: str, url: URL, body: object) -> tuple[int, bytes, dict[str, str]]:
        async with self._session.request(
            method, url, json=body, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
        ) as response:
            content = await response.content.read(ANSWER_MAX)
            while chunk := await response.content.read(ANSWER_MAX):
                content += chunk
                if len(content) > ANSWER_MAX:
                    raise aiohttp.ClientPayloadError("answer too large")
            return response.status, content, {name.lower(): value for name, value in response.headers.items()}


def _submit_error(status: int, body: bytes, headers: dict[str, str]) -> GmiError:
    text = _body_text(body)
    detail = _code(text)
    log = f"status {status}" + (f" ({detail})" if detail else "")
    known = _classify(text)
    if status in _REFUSALS:
        return GmiError(Verdict.REFUSED, _REFUSALS[status], log)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return GmiError(Verdict.NOT_SENT, Reason.RATE, log, retry_after=_retry_after(body, headers))
    # GMI's own 503 is JSON or names its capacity; a proxy's page says nothing about what came before it.
    own_answer = known is Reason.CAPACITY or _json_object(body) is not None
    if status == HTTPStatus.SERVICE_UNAVAILABLE and own_answer:
        return GmiError(Verdict.NOT_SENT, Reason.CAPACITY, log, retry_after=_retry_after(body, headers))
    if status < HTTPStatus.INTERNAL_SERVER_ERROR or re.search(r"backend error \(4\d\d\)", text, re.I):
        return GmiError(Verdict.REFUSED, known or Reason.PARAMETER, log, detail=detail)
    return GmiError(Verdict.UNCLEAR, Reason.UNCLEAR, log)


def _parse_list(body: bytes) -> list[Report]:
    try:
        page = _PAGE.validate_json(body)
    except ValidationError:
        raise GmiError(Verdict.NOT_SENT, Reason.UNREACHABLE, "unreadable list") from None
    reports = (_parse_record(record) for record in page.requests)
    return [report for report in reports if report is not None]


def _parse_record(raw: object) -> Report | None:
    try:
        record = _Record.model_validate_json(raw) if isinstance(raw, bytes) else _Record.model_validate(raw)
        return record.report()
    except (ValidationError, ValueError, OverflowError, OSError):
        return None


def _classify(text: str) -> Reason | None:
    return next((reason for pattern, reason in _REASONS if pattern.search(text)), None)


def _code(text: str) -> str | None:
    found = _CODE.search(text)
    return found.group() if found else None


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _body_text(body: bytes) -> str:
    value = _json_object(body)
    if value is None:
        return body[:2000].decode(errors="replace")
    return _error_text(value.get("error") or value.get("message") or value.get("detail"))


def _error_text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("message") or value.get("code") or ""
    return value if isinstance(value, str) else ""


def _retry_after(body: bytes, headers: dict[str, str]) -> float | None:
    """Return the seconds to wait that the answer names, in its body first, then in its header."""
    limit = (_json_object(body) or {}).get("rate_limit")
    milliseconds = limit.get("retry_after_ms") if isinstance(limit, dict) else None
    seconds: float | None = None
    if isinstance(milliseconds, int | float):
        seconds = milliseconds / 1000
    elif headers.get("retry-after", "").strip().isdigit():
        seconds = float(headers["retry-after"])
    return None if seconds is None else min(max(seconds, 1.0), RETRY_AFTER_MAX)

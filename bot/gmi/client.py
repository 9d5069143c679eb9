"""GMI Cloud's request queue over HTTP: submit, status, list, cancel, places for files, and the key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from bot.gmi.calls import Answer, Calls, TooLarge
from bot.gmi.description import Parameter, parse_description
from bot.gmi.errors import RETRY_AFTER_MAX, GmiError, SubmitOutcome, place_error, read_error, submit_error
from bot.gmi.schemas import RequestList, RequestStatus, UploadPlace, parse_list, parse_place, parse_record
from bot.models.states import Reason
from bot.telemetry.metrics import NO_METRICS, Metrics

__all__ = ["GmiCloud", "GmiError", "RequestList", "RequestStatus", "SubmitOutcome"]

QUEUE_PATH = "/api/v1/ie/requestqueue/apikey"
LONG_LIST = 256 * 1024  # bytes; a shorter one is parsed in 5 ms


class _Withheld(Exception):  # noqa: N818 - it names what happened
    """A request may not be sent any more."""


class _LastMoment(aiohttp.JsonPayload):
    """A body that asks whether it may be sent when its first byte is due: to connect may take seconds."""

    def __init__(self, body: object, may_send: Callable[[], bool]) -> None:
        super().__init__(body)
        self._may_send = may_send

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the body, and with it the headers, which wait for it. Raises _Withheld."""
        if not self._may_send():
            raise _Withheld
        await super().write_with_length(writer, content_length)


class GmiCloud:
    """A client of one organization's request queue."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        key: str,
        organization: str | None,
        metrics: Metrics = NO_METRICS,
        *,
        may_submit: Callable[[], bool] = lambda: True,
    ) -> None:
        self._may_submit = may_submit
        base = URL(base_url)
        self._queue = URL(base_url.rstrip("/") + QUEUE_PATH)
        # A stand-in on this machine has no certificate; nobody else may name a link without one.
        self._plain_http = base.scheme == "http" and _is_loopback(base.host)
        headers = {"Authorization": f"Bearer {key}"}
        if organization:
            headers["X-Organization-ID"] = organization
        self._calls = Calls(session, headers, metrics)

    async def submit(self, model: str, payload: dict[str, object]) -> RequestStatus:
        """Send one request that costs money; never sends it a second time.

        Raises GmiError, whose outcome tells whether it may have been accepted.
        """
        request = _LastMoment({"model": model, "payload": payload}, self._may_submit)
        try:
            status, body, headers = await self._calls.make(
                "submit", "POST", self._queue / "requests", request
            )
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise GmiError(
                SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, f"no connection: {type(error).__name__}"
            ) from None
        except aiohttp.ConnectionTimeoutError:
            raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "no connection in time") from None
        except Exception as error:
            # Whatever the HTTP library stumbles over in an answer: the request may have been accepted.
            raise GmiError(
                SubmitOutcome.UNCLEAR, Reason.UNCLEAR, f"broken off: {type(error).__name__}"
            ) from None
        if not _is_success(status):
            raise submit_error(status, body, headers)
        accepted = parse_record(body, plain_http=self._plain_http)
        if accepted is None:
            raise GmiError(SubmitOutcome.UNCLEAR, Reason.UNCLEAR, f"unreadable answer with status {status}")
        return accepted

    async def status(self, request_id: str) -> RequestStatus:
        """Ask for the status of one request. Raises GmiError."""
        body = await self._get("status", self._request_url(request_id))
        found = parse_record(body, plain_http=self._plain_http)
        if found is None or found.request_id != request_id:
            raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "unreadable status")
        return found

    async def cancel(self, request_id: str) -> bool:
        """Ask to cancel one request; tell whether GMI agreed. Not documented: only the status is proof."""
        try:
            status, _, _ = await self._calls.make("cancel", "DELETE", self._request_url(request_id), None)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
        return _is_success(status)

    async def requests(self, model: str) -> RequestList:
        """Ask for the list of this model's requests, without records that make no sense. Raises GmiError."""
        body = await self._get("list", (self._queue / "requests").with_query(model_id=model))
        if len(body) < LONG_LIST:
            return parse_list(body, plain_http=self._plain_http)
        # Thousands of records would hold up everybody's answer while they are parsed.
        return await asyncio.to_thread(parse_list, body, plain_http=self._plain_http)

    async def accepts_key(self, model: str) -> bool:
        """Ask about a model, which costs nothing; tell whether GMI accepts the key. Raises GmiError."""
        status, body, headers = await self._read("key", self._queue / "models" / model)
        # Who is told that a model doesn't exist was let in with the key.
        if _is_success(status) or status == HTTPStatus.NOT_FOUND:
            return True
        error = read_error(status, body, headers)
        if error.reason is Reason.KEY:
            return False
        raise error

    async def describe(self, model: str) -> dict[str, Parameter] | None:
        """Ask what a model takes, which costs nothing; None where GMI doesn't know it. Raises GmiError."""
        status, body, headers = await self._read("model", self._queue / "models" / model)
        if status == HTTPStatus.NOT_FOUND:
            return None
        if not _is_success(status):
            raise read_error(status, body, headers)
        found = parse_description(body)
        if found is None:
            raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "unreadable description of a model")
        return found

    async def upload_place(self, file_type: str) -> UploadPlace:
        """Ask where a file of this type may be stored, which costs nothing. Raises GmiError."""
        asked = {"file_type": file_type}
        status, body, headers = await self._read("upload", self._queue / "upload-url", asked)
        if not _is_success(status):
            raise place_error(status, body, headers)
        found = parse_place(body, plain_http=self._plain_http)
        if found is None:
            raise GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "unreadable place for a file")
        return found

    def _request_url(self, request_id: str) -> URL:
        # The id is GMI's own word, and opaque: whatever it holds, it stays one part of the path.
        part = quote(request_id, safe="")
        return URL(f"{self._queue}/requests/{part}", encoded=True)

    async def _get(self, operation: str, url: URL) -> bytes:
        status, body, headers = await self._read(operation, url)
        if not _is_success(status):
            raise read_error(status, body, headers)
        return body

    async def _read(self, operation: str, url: URL, asked: object = None) -> Answer:
        try:
            if asked is None:
                return await self._calls.make(operation, "GET", url, None)
            return await self._calls.make(operation, "POST", url, aiohttp.JsonPayload(asked))
        except TooLarge:
            # Nobody needs to read so much again soon.
            raise GmiError(
                SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "answer too large", retry_after=RETRY_AFTER_MAX
            ) from None
        except Exception as error:
            raise GmiError(
                SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, f"no answer: {type(error).__name__}"
            ) from None


def _is_success(status: int) -> bool:
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False

"""A stand-in for GMI Cloud's request queue: the documented contract over real HTTP on loopback.

It checks every request and refuses what GMI would, lets statuses pass with the time it is given, renders
videos from the references themselves, and misbehaves as told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from bot.models.requests import MODEL
from fakes.gmi.checks import check_submission, describe_model, misnamed
from fakes.gmi.faults import play
from fakes.gmi.render import render as render_video
from fakes.gmi.request import Request, Timing
from fakes.gmi.script import LIST_MODES, Fault, Outcome, Script
from fakes.gmi.uploads import Uploads
from fakes.gmi.videos import Fetch, Render, Videos, fetch_over_http

__all__ = ["GmiCloud", "Render", "Request", "Seen", "Timing"]

QUEUE = "/api/v1/ie/requestqueue/apikey"
DEMO_KEY = "demo-key-not-secret"
PUBLIC = ("/media/", "/uploads/")  # read and written without a key, as storage is


@dataclass(frozen=True, slots=True)
class Seen:
    """One call that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any  # what its JSON says; None without


def _system_now() -> datetime:
    return datetime.now(UTC)


class GmiCloud:
    """The stand-in; enter it to serve on 127.0.0.1."""

    def __init__(
        self,
        *,
        keys: str | Collection[str] = DEMO_KEY,
        now: Callable[[], datetime] = _system_now,
        fetch: Fetch | None = None,
        render: Render = render_video,
        timing: Timing | None = None,
        prompt_faults: bool = False,
        punctual: bool = False,
    ) -> None:
        self.keys = {keys} if isinstance(keys, str) else set(keys)  # that are accepted
        self._now = now
        self.timing = timing or Timing()
        self._script = Script(prompt_faults=prompt_faults)
        self._punctual = punctual  # no answer before the videos that are due: for a clock that runs ahead
        self.list_mode = "ok"  # or a key of LIST_MODES
        self.requests: dict[str, Request] = {}
        self.strangers: list[dict[str, Any]] = []  # records that the list shows beside ours
        self.listed_bytes = 0  # of all answers with the list
        self.requests_seen: list[Seen] = []
        self.misnamed: list[str] = []  # fields that GMI would ignore without a word
        self.base_url = ""
        self.uploads = Uploads(now)
        self._fetch: Fetch = fetch or fetch_over_http
        self._videos = Videos(self._reference, render)
        self._stack = contextlib.AsyncExitStack()
        self._closing = asyncio.Event()

    @property
    def paid(self) -> int:
        """Return how many requests were accepted: each costs money."""
        return len(self.requests)

    @property
    def posts(self) -> list[Request]:
        """Return the accepted requests, oldest first."""
        return list(self.requests.values())

    def fault(self, method: str, path: str, fault: Fault) -> None:
        """Let calls of this method and path (as a shell pattern of its end) go wrong."""
        self._script.faults.append(fault.at(method, f"*{path}"))

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._script.faults.clear()

    def outcome(self, outcome: Outcome, times: int = 1) -> None:
        """Script how the next accepted requests end."""
        self._script.outcomes += [outcome] * times

    def add_stranger(
        self, payload: Any, age: float = 0.0, status: str = "success", **more: Any
    ) -> dict[str, Any]:
        """Let the list show a request that was not sent to this stand-in, so many seconds old."""
        created = int(self._now().timestamp() - age)
        record = {
            "request_id": f"other-{len(self.strangers) + 1:06d}",
            "model": MODEL,
            "status": status,
            "outcome": {"media_urls": [{"id": "0", "url": f"{self.base_url}/media/other.mp4"}]},
            "payload": payload,
            "created_at": created,
            "updated_at": created,
            "queued_at": created,
        } | more
        self.strangers.append(record)
        return record

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Refuse every connection for a while."""
        await self._site.stop()
        assert self._runner.server is not None
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        for _ in range(5):  # turns of the loop until clients in it know that their connections are gone
            await asyncio.sleep(0)
        yield
        await self._listen(self._port)

    async def __aenter__(self) -> Self:
        """Start to serve."""
        application = web.Application(middlewares=[self._gate], client_max_size=128 * 1024 * 1024)
        application.router.add_post(f"{QUEUE}/requests", self._submit)
        application.router.add_get(f"{QUEUE}/requests", self._list)
        application.router.add_get(f"{QUEUE}/requests/{{id}}", self._status)
        application.router.add_delete(f"{QUEUE}/requests/{{id}}", self._cancel)
        application.router.add_get(f"{QUEUE}/models/{{id}}", self._model)
        application.router.add_post(f"{QUEUE}/upload-url", self.uploads.create)
        application.router.add_put("/uploads/{name}", self.uploads.put)
        application.router.add_get("/uploads/{name}", self.uploads.get)
        application.router.add_get("/media/{name}", self._videos.serve)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        self._stack.push_async_callback(self._runner.cleanup)
        await self._stack.enter_async_context(self._videos)  # ends first: a handler may wait for one
        await self._listen(0)
        self._port = self._runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{self._port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop serving and end every rendering."""
        self._closing.set()
        await self._stack.aclose()

    async def _listen(self, port: int) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", port)
        await self._site.start()

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Note every call, play the faults, and check the key."""
        self.requests_seen.append(
            Seen(request.method, request.path, dict(request.headers), await _json_body(request))
        )
        fault = self._script.take_fault(request.method, request.path)
        if fault is not None and not fault.after:
            return await play(fault, request, self._closing)
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if not request.path.startswith(PUBLIC) and (scheme != "Bearer" or key not in self.keys):
            return _error(401, "Invalid API key")
        response: web.StreamResponse = await handler(request)
        return response if fault is None else await play(fault, request, self._closing)

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        body = await _json_body(request)
        self.misnamed += misnamed(body)
        refusal = check_submission(body)
        if refusal is not None:
            return _error(refusal.status, refusal.text)
        end = self._script.take_end(body["payload"])
        if isinstance(end, Fault):
            return await play(end, request, self._closing)
        accepted = self._accept(body["payload"], end)
        if accepted.outcome.synchronous:
            assert accepted.rendering is not None
            await asyncio.wait([accepted.rendering])
        record = accepted.record(self._now())
        if accepted.outcome.synchronous and not accepted.outcome.bare:
            return web.json_response(record)
        return web.json_response(
            {name: record[name] for name in ("request_id", "model", "status", "created_at")}
        )

    def _accept(self, payload: dict[str, Any], outcome: Outcome) -> Request:
        request_id = f"req-{len(self.requests) + 1:06d}-{secrets.token_hex(2)}"
        accepted = Request(request_id, MODEL, payload, self._now(), outcome, self.timing, self.base_url)
        self._videos.start(accepted)
        self.requests[request_id] = accepted
        return accepted

    async def _reference(self, url: str) -> bytes:
        uploaded = self.uploads.content(url)
        return await self._fetch(url) if uploaded is None else uploaded

    async def _render_what_is_due(self) -> None:
        """Wait for the videos whose time has come, where the clock runs ahead of the renderer."""
        now = self._now()
        late = [
            request.rendering
            for request in self.requests.values()
            if request.rendering is not None and not request.rendering.done() and request.due <= now
        ]
        if self._punctual and late:
            await asyncio.wait(late)

    async def _status(self, request: web.Request) -> web.Response:
        await self._render_what_is_due()
        found = self.requests.get(request.match_info["id"])
        if found is not None:
            return web.json_response(found.record(self._now()))
        for record in self.strangers:
            if record.get("request_id") == request.match_info["id"]:
                return web.json_response(record)
        return _error(404, "request does not exist or you do not have access")

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if self.list_mode != "ok":
            return await play(LIST_MODES[self.list_mode], request, self._closing)
        await self._render_what_is_due()
        model, now = request.query.get("model_id"), self._now()
        found = [each.record(now, listed=True) for each in self.posts if model in (None, each.model)]
        answer = web.json_response({"requests": [*found[::-1], *self.strangers]})
        assert isinstance(answer.body, bytes)
        self.listed_bytes += len(answer.body)
        return answer

    async def _cancel(self, request: web.Request) -> web.Response:
        found = self.requests.get(request.match_info["id"])
        if found is None:
            return _error(404, "request does not exist or you do not have access")
        status = found.standing(self._now()).status
        if status not in ("queued", "dispatched"):
            return _error(409, f"request is already {status}")
        found.cancelled = self._now()
        return web.json_response(found.record(self._now()))

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        return (
            web.json_response(describe_model())
            if name == MODEL
            else _error(404, f"model {name} does not exist")
        )


async def _json_body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read()) if request.content_type == "application/json" else None
    except ValueError:
        return None


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)

"""The stand-in's queue: what was accepted and how it stands, answered as GMI Cloud documents it."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any

from aiohttp import web

from bot.models.requests import MODEL
from fakes.gmi.checks import check_submission, describe_model, misnamed
from fakes.gmi.faults import play
from fakes.gmi.request import Request, Timing
from fakes.gmi.script import LIST_MODES, Fault, Outcome, Script
from fakes.gmi.uploads import Uploads
from fakes.gmi.videos import Fetch, Render, Videos

QUEUE = "/api/v1/ie/requestqueue/apikey"


class RequestQueue:
    """Takes requests, and answers what becomes of them."""

    def __init__(
        self,
        script: Script,
        *,
        now: Callable[[], datetime],
        fetch: Fetch,
        render: Render,
        timing: Timing,
        punctual: bool,
    ) -> None:
        self._script = script
        self._now = now
        self.timing = timing
        self._punctual = punctual  # no answer before the videos that are due: for a clock that runs ahead
        self.list_mode = "ok"  # or a key of LIST_MODES
        self.requests: dict[str, Request] = {}
        self.strangers: list[dict[str, Any]] = []  # records that the list shows beside ours
        self.listed_bytes = 0  # of all answers with the list
        self.misnamed: list[str] = []  # fields that GMI would ignore without a word
        self.base_url = ""
        self.uploads = Uploads(now)
        self.unreadable: tuple[str, ...] = ()  # links that hold one of these can't be fetched
        self._fetch = fetch
        self._videos = Videos(self._reference, render)
        self._closing = asyncio.Event()

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the routes of the queue, and of what it stores."""
        router.add_post(f"{QUEUE}/requests", self._submit)
        router.add_get(f"{QUEUE}/requests", self._list)
        router.add_get(f"{QUEUE}/requests/{{id}}", self._status)
        router.add_delete(f"{QUEUE}/requests/{{id}}", self._cancel)
        router.add_get(f"{QUEUE}/models/{{id}}", self._model)
        router.add_post(f"{QUEUE}/upload-url", self.uploads.create)
        router.add_put("/uploads/{name}", self.uploads.put)
        router.add_get("/uploads/{name}", self.uploads.get)
        router.add_get("/media/{name}", self._videos.serve)

    @property
    def paid(self) -> int:
        """Return how many requests were accepted: each costs money."""
        return len(self.requests)

    @property
    def posts(self) -> list[Request]:
        """Return the accepted requests, oldest first."""
        return list(self.requests.values())

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

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        self.misnamed += misnamed(body)
        refusal = check_submission(body)
        if refusal is not None:
            return error(refusal.status, refusal.text)
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
        if any(part in url for part in self.unreadable):
            raise LookupError("out of reach")
        uploaded = self.uploads.content(url)
        return await self._fetch(url) if uploaded is None else uploaded

    async def _render_what_is_due(self) -> None:
        if self._punctual:
            await self._videos.catch_up(self.posts, self._now())

    async def _status(self, request: web.Request) -> web.Response:
        await self._render_what_is_due()
        found = self.requests.get(request.match_info["id"])
        if found is not None:
            return web.json_response(found.record(self._now()))
        for record in self.strangers:
            if record.get("request_id") == request.match_info["id"]:
                return web.json_response(record)
        return error(404, "request does not exist or you do not have access")

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
            return error(404, "request does not exist or you do not have access")
        status = found.standing(self._now()).status
        if status not in ("queued", "dispatched"):
            return error(409, f"request is already {status}")
        found.cancelled = self._now()
        return web.json_response(found.record(self._now()))

    async def _model(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        return (
            web.json_response(describe_model())
            if name == MODEL
            else error(404, f"model {name} does not exist")
        )


async def json_body(request: web.Request) -> Any:
    """Return what a call's JSON says, None without."""
    try:
        return json.loads(await request.read()) if request.content_type == "application/json" else None
    except ValueError:
        return None


def error(status: int, text: str) -> web.Response:
    """Return an answer of GMI that is an error."""
    return web.json_response({"error": text}, status=status)

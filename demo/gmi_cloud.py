"""A stand-in for GMI Cloud's request queue: the documented contract over real HTTP on loopback.

It checks every request and refuses what GMI would, lets statuses pass with the time it is given, renders
videos from the references themselves, and misbehaves as told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web

from bot.request import (
    DURATION_MAX,
    DURATION_MIN,
    IMAGES_MAX,
    IMAGES_MAX_WITH_VIDEOS,
    MODEL,
    PROMPT_MAX,
    VIDEOS_MAX,
)
from demo.gmi_script import PROMPT_FAULTS, SUCCESS, Fault, Outcome
from demo.render import render as render_video

QUEUE = "/api/v1/ie/requestqueue/apikey"
FIELDS = {"prompt", "images", "videos", "duration", "seed"}

Render = Callable[[Sequence[bytes], Sequence[bytes], int, int, Path], None]
Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a request takes, in seconds."""

    queued: float = 3.0
    processing: float = 8.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One call that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(slots=True)
class Request:
    """One accepted request."""

    request_id: str
    model: str
    payload: dict[str, Any]
    created: datetime
    outcome: Outcome
    videos: list[Path] = field(default_factory=list)
    rendering: asyncio.Task[None] | None = None
    error: str | None = None
    cancelled: bool = False


def _system_now() -> datetime:
    return datetime.now(UTC)


class GmiCloud:
    """The stand-in; enter it to serve on 127.0.0.1."""

    def __init__(
        self,
        *,
        key: str = "demo-key-not-secret",
        now: Callable[[], datetime] = _system_now,
        fetch: Fetch | None = None,
        render: Render = render_video,
        timing: Timing | None = None,
        prompt_faults: bool = False,
    ) -> None:
        self._key = key
        self._now = now
        self._fetch: Fetch = fetch or _fetch_over_http
        self._render = render
        self.timing = timing or Timing()
        self._prompt_faults = prompt_faults
        self._faults: list[Fault] = []
        self._outcomes: list[Outcome] = []
        self.requests: dict[str, Request] = {}
        self.requests_seen: list[Seen] = []
        self.base_url = ""
        self._stack = contextlib.AsyncExitStack()
        self._closing = asyncio.Event()

    @property
    def paid(self) -> int:
        """Return how many requests were accepted: each costs money."""
        return len(self.requests)

    def fault(self, method: str, path: str, fault: Fault) -> None:
        """Let calls of this method and path (as a shell pattern of its end) go wrong."""
        self._faults.append(fault.at(method, f"*{path}"))

    def outcome(self, outcome: Outcome) -> None:
        """Script how the next accepted request ends."""
        self._outcomes.append(outcome)

    async def __aenter__(self) -> Self:
        """Start to serve."""
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gmi-cloud-")))
        application = web.Application(middlewares=[self._gate], client_max_size=4 * 1024 * 1024)
        application.router.add_post(f"{QUEUE}/requests", self._submit)
        application.router.add_get(f"{QUEUE}/requests", self._list)
        application.router.add_get(f"{QUEUE}/requests/{{id}}", self._status)
        application.router.add_get("/media/{name}", self._media)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.base_url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop serving and end every rendering."""
        self._closing.set()
        tasks = [request.rendering for request in self.requests.values() if request.rendering]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Note every call, play the faults, and check the key."""
        raw = await request.read()
        body = json.loads(raw) if raw else None
        self.requests_seen.append(Seen(request.method, request.path, dict(request.headers), body))
        fault = self._take_fault(request)
        if fault is not None and not fault.after:
            return await self._play(fault, request)
        if request.path.startswith("/media/"):
            return await handler(request)  # type: ignore[no-any-return]
        if request.headers.get("Authorization") != f"Bearer {self._key}":
            return _error(401, "Invalid API key")
        response: web.StreamResponse = await handler(request)
        if fault is not None:
            return await self._play(fault, request)
        return response

    def _take_fault(self, request: web.Request) -> Fault | None:
        for position, fault in enumerate(self._faults):
            if fault.method == request.method and fnmatch(request.path, fault.path):
                if fault.times == 1:
                    del self._faults[position]
                elif fault.times is not None:
                    self._faults[position] = fault.once_less()
                return fault
        return None

    async def _play(self, fault: Fault, request: web.Request) -> web.StreamResponse:
        if fault.reset:
            assert request.transport is not None
            request.transport.abort()
            raise asyncio.CancelledError
        if fault.silent:
            await self._closing.wait()
        return web.Response(
            status=fault.status, text=fault.text, content_type=fault.content_type, headers=fault.headers
        )

    async def _submit(self, request: web.Request) -> web.Response:
        body = await request.json()
        refusal = _check(body)
        if refusal is not None:
            return refusal
        payload = body["payload"]
        outcome = self._outcomes.pop(0) if self._outcomes else SUCCESS
        if self._prompt_faults:
            for word, provoked in PROMPT_FAULTS.items():
                if word in payload["prompt"] and isinstance(provoked, Outcome):
                    outcome = provoked
                elif word in payload["prompt"] and isinstance(provoked, Fault):
                    return web.Response(
                        status=provoked.status, text=provoked.text, content_type=provoked.content_type
                    )
        number = len(self.requests) + 1
        request_id = f"req-{number:06d}-{payload['seed'] % 9973:04d}"
        accepted = Request(request_id, body["model"], payload, self._now(), outcome)
        accepted.rendering = asyncio.create_task(self._make(accepted))
        self.requests[accepted.request_id] = accepted
        record = self._record(accepted)
        if not outcome.synchronous:
            record = {name: record[name] for name in ("request_id", "model", "status", "created_at")}
        return web.json_response(record)

    async def _make(self, request: Request) -> None:
        """Fetch the references and render the videos from them."""
        payload = request.payload
        try:
            images = [await self._fetch(url) for url in payload.get("images", [])]
            videos = [await self._fetch(url) for url in payload.get("videos", [])]
        except (aiohttp.ClientError, KeyError, OSError):
            request.error = "ImageDownloadFailure: https://cdn.example.invalid/a.png?sig=secret-signature"
            return
        for position in range(request.outcome.videos):
            target = self._folder / f"{request.request_id}-{position}.mp4"
            arguments = (images, videos, payload["duration"], payload["seed"] + position, target)
            await asyncio.to_thread(self._render, *arguments)
            _pad(target, request.outcome.megabytes)
            request.videos.append(target)

    async def _status(self, request: web.Request) -> web.Response:
        found = self.requests.get(request.match_info["id"])
        if found is None:
            return _error(404, "request does not exist or you do not have access")
        return web.json_response(self._record(found))

    async def _list(self, request: web.Request) -> web.Response:
        model = request.query.get("model_id")
        found = [self._record(each) for each in self.requests.values() if each.model == model]
        return web.json_response({"requests": found[::-1]})

    async def _media(self, request: web.Request) -> web.StreamResponse:
        path = self._folder / Path(request.match_info["name"]).name
        if not path.is_file():
            return web.Response(status=404)
        return web.FileResponse(path, headers={"Content-Type": "video/mp4"})

    def _record(self, request: Request) -> dict[str, Any]:
        status, outcome = self._standing(request)
        created = int(request.created.timestamp())
        return {
            "request_id": request.request_id,
            "model": request.model,
            "status": status,
            "outcome": outcome,
            "payload": request.payload if request.outcome.echoes else {},
            "created_at": created,
            "updated_at": created,
            "queued_at": created,
            **(request.outcome.top_level if status == "failed" else {}),
        }

    def _standing(self, request: Request) -> tuple[str, dict[str, Any] | None]:
        outcome = request.outcome
        age = (self._now() - request.created).total_seconds() - outcome.delay
        if outcome.synchronous:
            return outcome.status, outcome.result
        if age < self.timing.queued or outcome.stuck:
            return ("queued" if age < self.timing.queued / 2 else "dispatched"), None
        if age < self.timing.queued + self.timing.processing:
            return outcome.working_word, None
        if request.error is not None:
            return "failed", {"error": request.error}
        if outcome.status != "success":
            return outcome.status, outcome.result
        if request.rendering is None or not request.rendering.done():
            return "processing", None
        return "success", outcome.success([self._link(path) for path in request.videos])

    def _link(self, path: Path) -> str:
        return f"{self.base_url}/media/{path.name}"


def _check(body: Any) -> web.Response | None:
    """Return GMI's refusal of a submission, or None."""
    if not isinstance(body, dict) or set(body) != {"model", "payload"}:
        return _error(400, "body must have model and payload")
    if body["model"] != MODEL:
        return _error(404, f"model {body['model']} does not exist")
    payload = body["payload"]
    if not isinstance(payload, dict) or set(payload) - FIELDS or None in payload.values():
        return _error(400, "unknown or null field in payload")
    prompt, images, videos = payload.get("prompt"), payload.get("images", []), payload.get("videos", [])
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= PROMPT_MAX:
        return _error(400, "prompt is required and has at most 2000 characters")
    if ("images" in payload and not images) or ("videos" in payload and not videos) or not images + videos:
        return _error(400, "at least one image or video is required, no empty lists")
    if len(images) > (IMAGES_MAX_WITH_VIDEOS if videos else IMAGES_MAX) or len(videos) > VIDEOS_MAX:
        return _error(400, "too many images or videos")
    if not all(isinstance(url, str) and url.startswith("http") for url in images + videos):
        return _error(400, "references must be URLs")
    duration, seed = payload.get("duration"), payload.get("seed")
    if type(duration) is not int or not DURATION_MIN <= duration <= DURATION_MAX:
        return _error(400, "duration must be an integer from 1 to 10")
    if type(seed) is not int:
        return _error(400, "seed must be an integer")
    return None


def _error(status: int, text: str) -> web.Response:
    return web.json_response({"error": text}, status=status)


def _pad(video: Path, megabytes: int) -> None:
    """Let a video be larger than it is: players skip a box that they do not know."""
    missing = megabytes * 1024 * 1024 - video.stat().st_size
    if missing >= 8:
        with video.open("ab") as file:
            file.write(missing.to_bytes(4, "big") + b"free" + bytes(missing - 8))


async def _fetch_over_http(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url, raise_for_status=True) as response:
        return await response.read()

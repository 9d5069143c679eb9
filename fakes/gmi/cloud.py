"""A stand-in for GMI Cloud's request queue: the documented contract over real HTTP on loopback.

It checks every request and refuses what GMI would, lets statuses pass with the time it is given, renders
videos from the references themselves, and misbehaves as told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from fakes.gmi.faults import play
from fakes.gmi.queue import RequestQueue, error, json_body
from fakes.gmi.render import render as render_video
from fakes.gmi.request import Request, Timing
from fakes.gmi.script import Fault, Outcome, Script
from fakes.gmi.videos import Fetch, Render, fetch_over_http

__all__ = ["GmiCloud", "Render", "Request", "Seen", "Timing"]

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


class GmiCloud(RequestQueue):
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
        script = Script(prompt_faults=prompt_faults)
        super().__init__(
            script,
            now=now,
            fetch=fetch or fetch_over_http,
            render=render,
            timing=timing or Timing(),
            punctual=punctual,
        )
        self.keys = {keys} if isinstance(keys, str) else set(keys)  # that are accepted
        self.requests_seen: list[Seen] = []
        self._stack = contextlib.AsyncExitStack()

    def fault(self, method: str, path: str, fault: Fault) -> None:
        """Let calls of this method and path (as a shell pattern of its end) go wrong."""
        self._script.faults.append(fault.at(method, f"*{path}"))

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._script.faults.clear()

    def outcome(self, outcome: Outcome, times: int = 1) -> None:
        """Script how the next accepted requests end."""
        self._script.outcomes += [outcome] * times

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
        self.add_routes(application.router)
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
            Seen(request.method, request.path, dict(request.headers), await json_body(request))
        )
        fault = self._script.take_fault(request.method, request.path)
        if fault is not None and not fault.after:
            return await play(fault, request, self._closing)
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if not request.path.startswith(PUBLIC) and (scheme != "Bearer" or key not in self.keys):
            return error(401, "Invalid API key")
        response: web.StreamResponse = await handler(request)
        return response if fault is None else await play(fault, request, self._closing)

"""A stand-in of Discord at the level of its wire: REST and gateway on 127.0.0.1, with faults to order."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import BodyPartReader, hdrs, web

from fakes.discord.answers import CALL, reply
from fakes.discord.gateway import Gateway
from fakes.discord.model import (
    TOKEN,
    Action,
    Call,
    Fault,
    Json,
    Message,
    Refusal,
    Slash,
    Upload,
)
from fakes.discord.people import People
from fakes.discord.rest import Rest

API = "/api/v10"

REQUEST_MAX = 100 * 1024 * 1024  # bytes that the server reads at all; what a place takes is checked later


def _system_now() -> datetime:
    return datetime.now(UTC)


def _always(_: Call) -> bool:
    return True


class DiscordServer(People):
    """The stand-in; enter it to serve."""

    def __init__(self, *, token: str = TOKEN, now: Callable[[], datetime] = _system_now) -> None:
        gateway = Gateway(token)
        super().__init__(Rest(token, now, lambda: gateway.url), gateway, now)
        self.token = token
        self.calls: list[Call] = []
        self.base_url = ""
        self._faults: list[Fault] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start to serve."""
        application = web.Application(middlewares=[self._gate], client_max_size=REQUEST_MAX)
        self.rest.add_routes(application.router)
        application.router.add_get("/gateway/", self.gateway.handle)
        application.router.add_get("/gateway", self.gateway.handle)
        application.router.add_get("/attachments/{id}/{name}", self._attachment)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        self._stack.push_async_callback(self.gateway.close)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"127.0.0.1:{runner.addresses[0][1]}"
        self.base_url = self.rest.messages.base_url = f"http://{address}"
        self.gateway.url = f"ws://{address}/gateway"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up and stop serving."""
        await self._stack.aclose()

    def expire_token(self, token: str) -> None:
        """Let an interaction's token die now."""
        self.rest.interactions.slashes[token].expired = True

    def refuse_bot_token(self) -> None:
        """Answer 401 to the bot's own token from now on."""
        self.rest.token_works = False

    def fault(
        self,
        method: str,
        path: str,
        *,
        times: int = 1,
        status: int = 500,
        json: Json | None = None,
        headers: dict[str, str] | None = None,
        action: Action = "answer",
        seconds: float = 0.0,
        when: Callable[[Call], bool] = _always,
    ) -> Fault:
        """Let calls whose path fits this shell pattern go wrong, and return what counts them."""
        body = json or {"code": 0, "message": f"{status}"}
        fault = Fault(method, path, times, status, body, headers or {}, action, seconds, when)
        self._faults.append(fault)
        return fault

    def rate_limit(self, method: str, path: str, retry_after: float, **more: Any) -> Fault:
        """Answer 429 as Discord's own servers do: with Via and the time to wait."""
        body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": False}
        headers = {
            "Via": "1.1 google",
            "Retry-After": f"{retry_after:.0f}",
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset-After": f"{retry_after}",
            "X-RateLimit-Bucket": "fake-bucket",
            "X-RateLimit-Scope": "user",
        }
        return self.fault(method, path, status=429, json=body, headers=headers, **more)

    def clear_faults(self) -> None:
        """Let everything work again."""
        self._faults.clear()

    def remove(self, slash: Slash) -> None:
        """Delete the answer to a command, as a moderator may."""
        assert slash.original is not None
        self.rest.messages.remove(slash.original)

    @property
    def messages(self) -> list[Message]:
        """Return all messages of all channels, oldest first."""
        return [each for channel in self.rest.messages.channels.values() for each in channel.values()]

    def posted_videos(self) -> Counter[str]:
        """Count for each file name of a finished video how often it is attached to a message."""
        return Counter(video.name for message in self.messages for video in message.videos)

    def calls_to(self, method: str, fragment: str) -> list[Call]:
        """Return the calls of this method whose path contains this."""
        return [call for call in self.calls if call.method == method and fragment in call.path]

    @web.middleware
    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Record every REST call, play the faults, and turn refusals into answers."""
        if not request.path.startswith(API):
            return await handler(request)  # type: ignore[no-any-return]
        try:
            call = await _read(request)
        except ConnectionError:  # the bot was killed in the middle of it
            return _reset(request)
        request[CALL] = call
        self.calls.append(call)
        fault = next((each for each in self._faults if each.fits(call)), None)
        if fault is not None:
            fault.played += 1
            if fault.action == "answer":
                call.status = fault.status
                return reply(fault.json, fault.status, fault.headers)
            if fault.action == "reset_before":
                return _reset(request)
            if fault.action == "slow":
                with suppress(TimeoutError):
                    async with asyncio.timeout(fault.seconds):
                        await fault.released.wait()
        try:
            self.rest.authorize(call)
            response: web.StreamResponse = await handler(request)
        except Refusal as refusal:
            response = reply(refusal.payload, refusal.status)
        if fault is not None and fault.action == "reset_after":
            return _reset(request)
        call.status = response.status
        return response

    async def _attachment(self, request: web.Request) -> web.Response:
        found = self.rest.messages.attachments.get(int(request.match_info["id"]))
        if found is None:
            return web.Response(status=404)
        return web.Response(body=found.data, content_type="application/octet-stream")


def _reset(request: web.Request) -> web.Response:
    """Break the connection: what is returned never leaves."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _read(request: web.Request) -> Call:
    """Read a body: JSON alone, or payload_json and files[n]."""
    body: Any = None
    files: list[Upload] = []
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            data = bytes(await part.read())
            if part.name == "payload_json":
                body = json.loads(data)
            else:
                files.append(Upload(part.filename or "", data))
    elif raw := await request.read():
        body = json.loads(raw)
    authorization = request.headers.get(hdrs.AUTHORIZATION)
    return Call(request.method, request.path.removeprefix(API), body, files, authorization)

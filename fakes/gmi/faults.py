"""How the stand-in GMI Cloud plays a fault: over the same connection, as a bad server does."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from fakes.gmi.script import Fault

TRICKLE_BYTES, TRICKLE_PAUSE = 16, 0.01  # bytes, and the seconds between them


async def play(fault: Fault, request: web.Request, closing: asyncio.Event) -> web.StreamResponse:
    """Answer as the fault says; a silent one lasts until the stand-in closes."""
    if fault.reset:
        assert request.transport is not None
        request.transport.abort()
        raise asyncio.CancelledError
    if fault.cut:
        return await _cut_off(request)
    if fault.trickle:
        return await _trickle(request)
    if fault.silent:
        await closing.wait()
    body = fault.text.encode() if fault.raw is None else fault.raw
    return web.Response(
        status=fault.status, body=body, content_type=fault.content_type, headers=fault.headers
    )


async def _cut_off(request: web.Request) -> web.StreamResponse:
    """Announce more bytes than are sent."""
    response = web.StreamResponse(headers={"Content-Length": "4096"})
    await response.prepare(request)
    await response.write(b"{" * 64)
    assert request.transport is not None
    request.transport.close()
    return response


async def _trickle(request: web.Request) -> web.StreamResponse:
    """Send a few bytes again and again, until whoever asked has had enough."""
    response = web.StreamResponse(headers={"Content-Length": str(1024 * 1024)})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b"x" * TRICKLE_BYTES)
            await asyncio.sleep(TRICKLE_PAUSE)
    return response

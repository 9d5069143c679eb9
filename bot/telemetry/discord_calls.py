"""Counts the requests to Discord where they are made, whichever part of the library makes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import aiohttp
from yarl import URL

from bot.clock import Clock
from bot.telemetry.metrics import Metrics, status_class

ROUTES = {"applications", "channels", "gateway", "guilds", "interactions", "oauth2", "users", "webhooks"}
EPOCH_MS = 1_420_070_400_000  # the first millisecond of Discord's ids [Discord]
_PATH = re.compile(r"/api/v\d+/([a-z0-9]+)")
_ANSWER = re.compile(r"/interactions/(\d{1,20})/[^/]+/callback$")


def trace_discord(metrics: Metrics, clock: Clock) -> aiohttp.TraceConfig:
    """Return what counts the requests of a session that speaks to Discord alone."""
    trace = aiohttp.TraceConfig()

    async def ended(
        _: aiohttp.ClientSession, _context: SimpleNamespace, done: aiohttp.TraceRequestEndParams
    ) -> None:
        status, route = done.response.status, route_of(done.url)
        if route is not None:
            metrics.discord_called(route, status_class(status))
        answered = _ANSWER.search(done.url.path)
        if answered and status < 300:
            created = datetime.fromtimestamp(((int(answered[1]) >> 22) + EPOCH_MS) / 1000, UTC)
            # By two clocks, Discord's and this machine's, which may differ a little.
            metrics.acknowledged(max(0.0, (clock.now() - created).total_seconds()))

    async def failed(
        _: aiohttp.ClientSession, _context: SimpleNamespace, error: aiohttp.TraceRequestExceptionParams
    ) -> None:
        route = route_of(error.url)
        if route is not None:
            timeout = isinstance(error.exception, TimeoutError)
            metrics.discord_called(route, "timeout" if timeout else "broken")

    async def sent(
        _: aiohttp.ClientSession, _context: SimpleNamespace, sent: aiohttp.TraceRequestChunkSentParams
    ) -> None:
        metrics.uploaded(len(sent.chunk))

    trace.on_request_end.append(ended)
    trace.on_request_exception.append(failed)
    trace.on_request_chunk_sent.append(sent)
    return trace


def route_of(url: URL) -> str | None:
    """Return the first part of a route, one of a few; the rest names channels and holds tokens.

    None is no call of the REST interface: the gateway's connection begins as a request as well.
    """
    found = _PATH.match(url.path)
    if found is None:
        return None
    return found[1] if found[1] in ROUTES else "other"

"""Requests to Discord are counted where they are made, and nothing in their paths becomes a label."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from bot.telemetry.counters import PrometheusMetrics
from bot.telemetry.discord_calls import EPOCH_MS, route_of, trace_discord
from tests.unit.storage.samples import START, FixedClock
from tests.unit.telemetry.exposition import counted, samples

TOKEN = "fake-token-of-an-interaction"


@pytest.fixture
async def base() -> AsyncIterator[str]:
    """Answer every request with the status that it asks for."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=int(request.query.get("status", "200")))

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
    await runner.cleanup()


def interaction_id(at: datetime) -> int:
    return (int(at.timestamp() * 1000) - EPOCH_MS) << 22


async def test_requests_are_counted_by_route_and_outcome(base: str) -> None:
    metrics, clock = PrometheusMetrics(), FixedClock()
    made = interaction_id(START.astimezone(UTC) - timedelta(milliseconds=400))
    async with aiohttp.ClientSession(trace_configs=[trace_discord(metrics, clock)]) as session:
        await session.post(f"{base}/interactions/{made}/{TOKEN}/callback", data=b"x" * 100)
        await session.post(f"{base}/interactions/{made}/{TOKEN}/callback?status=404", data=b"x" * 50)
        await session.patch(f"{base}/webhooks/1/{TOKEN}/messages/@original?status=429")
        await session.get(f"{base}/channels/5/messages/6?status=503")
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:1/api/v10/users/@me")
    text = metrics.exposition().decode()

    assert counted(text, "vidu_discord_requests_total") == {
        "{outcome=2xx,route=interactions}": 1,
        "{outcome=4xx,route=interactions}": 1,
        "{outcome=429,route=webhooks}": 1,
        "{outcome=5xx,route=channels}": 1,
        "{outcome=broken,route=users}": 1,
    }
    found = samples(text)
    assert found["vidu_acknowledgement_seconds_count"] == 1
    assert found["vidu_acknowledgement_seconds_sum"] == pytest.approx(0.4)
    assert found["vidu_uploaded_bytes_total"] == 150
    assert TOKEN not in text


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/api/v10/applications/7/commands", "applications"),
        ("/api/v10/webhooks/7/token", "webhooks"),
        ("/api/v10/something/new", "other"),
        ("/api/v10/oauth2/applications/@me", "oauth2"),
        ("/gateway", None),
    ],
)
def test_only_the_first_part_of_a_known_route_is_a_label(path: str, route: str | None) -> None:
    assert route_of(URL(f"https://discord.com{path}")) == route

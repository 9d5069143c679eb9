"""A plain client of the stand-in GMI Cloud, for tests of the stand-in itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.models.requests import MODEL
from fakes.gmi.cloud import DEMO_KEY, GmiCloud
from fakes.gmi.queue import QUEUE
from fakes.media import picture, render_quickly

SAMPLES = Path(__file__).parents[3] / "demo" / "samples"
IMAGE, VIDEO = "https://cdn.example.invalid/a.png", "https://cdn.example.invalid/b.mp4"
PAYLOAD = {"prompt": "a fox in the snow", "images": [IMAGE], "duration": 5, "seed": 7}
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.time = EPOCH

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Caller:
    """A plain client of the queue."""

    def __init__(self, cloud: GmiCloud, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.cloud = cloud
        self.clock = clock
        self.session = session

    async def call(
        self, method: str, path: str, body: Any = None, key: str | None = DEMO_KEY
    ) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{self.cloud.base_url}{QUEUE}{path}"
        async with self.session.request(method, url, json=body, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if "json" in response.content_type else text

    async def post(self, **changes: Any) -> tuple[int, Any]:
        """Submit the usual payload with changes; ... leaves a field out."""
        payload = {name: value for name, value in (PAYLOAD | changes).items() if value is not ...}
        return await self.call("POST", "/requests", {"model": MODEL, "payload": payload})

    async def submit(self, **changes: Any) -> str:
        status, body = await self.post(**changes)
        assert status == 200
        request_id: str = body["request_id"]
        rendering = self.cloud.requests[request_id].rendering
        assert rendering is not None
        await asyncio.wait([rendering])
        return request_id

    async def record(self, request_id: str) -> dict[str, Any]:
        status, body = await self.call("GET", f"/requests/{request_id}")
        assert status == 200
        found: dict[str, Any] = body
        return found

    async def download(self, url: str, **headers: str) -> tuple[int, str, bytes]:
        async with self.session.get(url, headers=headers) as response:
            return response.status, response.content_type, await response.read()


async def fetch_known(url: str) -> bytes:
    return {IMAGE: picture(), VIDEO: (SAMPLES / "waves.mp4").read_bytes()}[url]


@asynccontextmanager
async def open_queue(**changes: Any) -> AsyncIterator[Caller]:
    """Serve the stand-in with a virtual clock and a quick renderer, and call it."""
    clock = Clock()
    options: dict[str, Any] = {"now": clock.now, "fetch": fetch_known, "render": render_quickly}
    async with GmiCloud(**(options | changes)) as cloud, aiohttp.ClientSession() as session:
        yield Caller(cloud, clock, session)

"""The videos of the stand-in GMI Cloud: made from the references of a request, and served."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

import aiohttp
from aiohttp import web

from bot.models.requests import DURATION_DEFAULT
from fakes.gmi.render import UNREADABLE
from fakes.gmi.request import Request

Render = Callable[[Sequence[bytes], Sequence[bytes], int, int, Path], None]
Fetch = Callable[[str], Awaitable[bytes]]


class Videos:
    """Makes the videos in a folder that goes away with it."""

    def __init__(self, fetch: Fetch, render: Render) -> None:
        self._fetch = fetch
        self._render = render
        # A rendering that is cut off may still write while its folder is removed.
        self._temporary = tempfile.TemporaryDirectory(prefix="gmi-cloud-", ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Take renderings on from now."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every rendering."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._temporary.cleanup()

    def start(self, request: Request) -> None:
        """Begin to make the videos of an accepted request."""
        request.rendering = asyncio.create_task(self._make(request))
        self._tasks.append(request.rendering)

    async def catch_up(self, requests: Sequence[Request], now: datetime) -> None:
        """Wait for the videos whose time has come, where the clock runs ahead of the renderer."""
        late = [
            request.rendering
            for request in requests
            if request.rendering is not None and not request.rendering.done() and request.due <= now
        ]
        if late:
            await asyncio.wait(late)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer a download."""
        path = self._folder / Path(request.match_info["name"]).name
        if not path.is_file():
            return web.Response(status=404)
        return web.FileResponse(path, headers={"Content-Type": "video/mp4"})

    async def _make(self, request: Request) -> None:
        """Fetch the references and render the videos from them."""
        payload = request.payload
        kind = "Image"
        try:
            images = [await self._fetch(url) for url in payload.get("images", [])]
            kind = "Video"
            videos = [await self._fetch(url) for url in payload.get("videos", [])]
        except (aiohttp.ClientError, LookupError, OSError) as error:
            request.error = f"{kind}DownloadFailure: {error}, X-Goog-Signature=secret-signature"
            return
        seconds, seed = payload.get("duration", DURATION_DEFAULT), payload.get("seed", 0)
        for position in range(request.outcome.videos):
            target = self._folder / f"{request.request_id}-{position}.mp4"
            try:
                await asyncio.to_thread(self._render, images, videos, seconds, seed + position, target)
            except UNREADABLE:
                request.error = "ImageFormatInvalid: a reference cannot be read"
                return
            _pad(target, request.outcome.megabytes)
            request.videos.append(target)


def _pad(video: Path, megabytes: int) -> None:
    """Let a video be larger than it is: players skip a box that they do not know."""
    missing = megabytes * 1024 * 1024 - video.stat().st_size
    if missing >= 8:
        with video.open("ab") as file:
            file.write(missing.to_bytes(4, "big") + b"free" + bytes(missing - 8))


async def fetch_over_http(url: str) -> bytes:
    """Read a reference as GMI does. Raises aiohttp.ClientError."""
    async with aiohttp.ClientSession() as session, session.get(url, raise_for_status=True) as response:
        return await response.read()

"""Fetch a finished video to disk, once, with bounds."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiohttp
import stamina

SIZE_MAX = 512 * 1024 * 1024  # bytes; no place in Discord takes more than this from a bot
CHUNK = 256 * 1024
# No limit on the whole: a large video on a slow line is fine as long as it keeps coming.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
ATTEMPTS = 4


class DownloadError(Exception):
    """The video could not be fetched; the text is for the log and holds no link."""


class _Passing(Exception):  # noqa: N818 - never leaves this module
    """The server had a bad moment: worth another attempt."""


@dataclass(frozen=True, slots=True)
class Download:
    """A video on disk. Remove its folder when it has been posted."""

    path: Path
    size: int  # bytes


async def download(session: aiohttp.ClientSession, url: str, folder: Path) -> Download:
    """Fetch the video into the folder. Raises DownloadError after bounded attempts."""
    try:
        async for attempt in stamina.retry_context(
            on=(aiohttp.ClientError, TimeoutError, _Passing), attempts=ATTEMPTS, timeout=None
        ):
            with attempt:
                return await _attempt(session, url, folder)
    except (aiohttp.ClientError, TimeoutError, _Passing) as error:
        raise DownloadError(f"gave up: {type(error).__name__}") from None
    raise AssertionError("a retry context either returns or raises")


async def _attempt(session: aiohttp.ClientSession, url: str, folder: Path) -> Download:
    async with session.get(url, timeout=TIMEOUT) as response:
        if response.status >= 500 or response.status == 429:
            raise _Passing(f"status {response.status}")
        if response.status != 200:
            raise DownloadError(f"status {response.status}")
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            size = await _copy(response, file)
        if size == 0:
            raise _Passing("an empty file")
        return Download(Path(file.name), size)


async def _copy(response: aiohttp.ClientResponse, file: IO[bytes]) -> int:
    size = 0
    async for chunk in response.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > SIZE_MAX:
            raise DownloadError("larger than any place takes")
        # A write to a slow disk must not hold up everyone else's card.
        await asyncio.to_thread(file.write, chunk)
    return size

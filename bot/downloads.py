"""Fetch a finished video to disk, once, with bounds."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiohttp
import stamina

SIZE_MAX = 200 * 1024 * 1024  # bytes; larger is a link everywhere, so that four at once fit into /tmp
CHUNK = 1024 * 1024  # bytes; each is one hop to a thread and back
# No limit on the whole: a large video on a slow line is fine as long as it keeps coming.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
ATTEMPTS = 4


class DownloadError(Exception):
    """The video could not be fetched; the text is for the log and holds no link."""


class _Passing(Exception):  # noqa: N818 - never leaves this module
    """The server had a bad moment: worth another attempt."""


@dataclass(frozen=True, slots=True)
class Download:
    """A video on disk, or only its size where it is larger than anybody would take."""

    path: Path | None
    size: int  # bytes; at least so many without a path


async def download(session: aiohttp.ClientSession, url: str, folder: Path, limit: int) -> Download:
    """Fetch the video into the folder unless it has more than so many bytes.

    Raises DownloadError after bounded attempts.
    """
    try:
        async for attempt in stamina.retry_context(
            on=(aiohttp.ClientError, TimeoutError, _Passing), attempts=ATTEMPTS, timeout=None
        ):
            with attempt:
                return await _attempt(session, url, folder, limit)
    except (aiohttp.ClientError, TimeoutError, _Passing) as error:
        raise DownloadError(f"gave up: {type(error).__name__}") from None
    raise AssertionError("a retry context either returns or raises")


async def _attempt(session: aiohttp.ClientSession, url: str, folder: Path, limit: int) -> Download:
    async with session.get(url, timeout=TIMEOUT, read_bufsize=CHUNK) as response:
        if response.status >= 500 or response.status == 429:
            raise _Passing(f"status {response.status}")
        if response.status != 200:
            raise DownloadError(f"status {response.status}")
        if response.content_length is not None and response.content_length > limit:
            return Download(None, response.content_length)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            path = Path(file.name)
            try:
                size = await _copy(response, file, limit)
            except BaseException:
                # The next attempt begins anew; a half of a large video must not fill the disk meanwhile.
                await asyncio.to_thread(path.unlink)
                raise
        if size > limit:
            await asyncio.to_thread(path.unlink)
            return Download(None, size)
        if size == 0:
            raise _Passing("an empty file")
        return Download(path, size)


async def _copy(response: aiohttp.ClientResponse, file: IO[bytes], limit: int) -> int:
    size = 0
    async for chunk in response.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > limit:
            break
        # A write to a slow disk must not hold up everyone else's card.
        await asyncio.to_thread(file.write, chunk)
    return size

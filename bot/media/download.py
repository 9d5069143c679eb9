"""Fetch a finished video to disk, once, with bounds, and from public hosts only."""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import aiohttp
import stamina
from yarl import URL

from bot.clock import Clock
from bot.media.hosts import is_public

SIZE_MAX = 200 * 1024 * 1024  # bytes; larger is a link everywhere, so that four at once fit into /tmp
CHUNK = 1024 * 1024  # bytes; each is one hop to a thread and back
STALL_SECONDS = 30  # without any news; then the server is taken for dead
# No limit on the whole: a large video on a slow line is fine as long as it keeps coming.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=STALL_SECONDS)
ATTEMPTS = 4
REDIRECTS_MAX = 3
REDIRECTS = {301, 302, 303, 307, 308}
# Four downloads may share a line of 1 Mbit/s; what is slower than that keeps a place from somebody else.
SPEED_MIN = 8 * 1024  # bytes a second, over each stretch of so many seconds:
SPEED_SECONDS = 30.0
AVERAGE_MIN = 32 * 1024  # bytes a second, over the whole and after a start of so many seconds:
START_SECONDS = 60.0


class DownloadError(Exception):
    """The video could not be fetched; the text is for the log and holds no link."""


class NotPublicError(DownloadError):
    """The link itself leads to a host that is not public: nobody is to be sent there."""


class _Passing(Exception):  # noqa: N818 - never leaves this module
    """The server had a bad moment: worth another attempt."""


class _NotPublicAddressError(OSError):
    """The address is not to be connected to."""


@dataclass(frozen=True, slots=True)
class Download:
    """A video on disk, or only its size where it is larger than anybody would take."""

    path: Path | None
    size: int  # bytes; at least so many without a path


def open_session(*, loopback: bool, resolver: Any = None) -> aiohttp.ClientSession:
    """Return a session that connects to public addresses only, and to this machine where that is allowed.

    The check stands where the socket is made, so that no second look-up of a name can slip past it.
    """

    def make_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        if not is_public(str(address[0]), loopback=loopback):
            raise _NotPublicAddressError(errno.EACCES, "the address is not public")
        return socket.socket(family, kind, protocol)

    # No connection is kept: results come minutes apart, and each one is to be checked.
    connector = aiohttp.TCPConnector(socket_factory=make_socket, resolver=resolver, force_close=True)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def download(
    session: aiohttp.ClientSession, url: str, folder: Path, limit: int, clock: Clock
) -> Download:
    """Fetch the video into the folder unless it has more than so many bytes.

    Raises DownloadError after bounded attempts, OSError where the disk does not take it.
    """
    try:
        async for attempt in stamina.retry_context(on=_is_passing, attempts=ATTEMPTS, timeout=None):
            with attempt:
                return await _attempt(session, url, folder, limit, clock)
    except (aiohttp.ClientError, TimeoutError, _Passing) as error:
        raise DownloadError(f"gave up: {type(error).__name__}") from None
    raise AssertionError("a retry context either returns or raises")


def _is_passing(error: Exception) -> bool:
    """Return whether another attempt at once may help."""
    # A server that says nothing for so long has held its place long enough.
    if isinstance(error, (aiohttp.InvalidURL, aiohttp.SocketTimeoutError)):
        return False
    return isinstance(error, (aiohttp.ClientError, _Passing))


async def _attempt(
    session: aiohttp.ClientSession, url: str, folder: Path, limit: int, clock: Clock
) -> Download:
    target = URL(url)
    for followed in range(REDIRECTS_MAX + 1):
        try:
            async with asyncio.timeout(STALL_SECONDS):
                response = await session.get(
                    target, timeout=TIMEOUT, read_bufsize=CHUNK, allow_redirects=False
                )
        except aiohttp.ClientConnectorError as error:
            if not isinstance(error.os_error, _NotPublicAddressError):
                raise
            if followed:
                raise DownloadError("redirected to an address that is not public") from None
            raise NotPublicError("the address is not public") from None
        async with response:
            if response.status not in REDIRECTS:
                return await _keep(response, folder, limit, clock)
            target = _redirected(response)
    raise DownloadError("too many redirects")


def _redirected(response: aiohttp.ClientResponse) -> URL:
    """Return where an answer sends us. Raises DownloadError where that is no place for a video."""
    try:
        target = response.url.join(URL(response.headers.get("Location", "")))
    except ValueError:
        raise DownloadError("redirected to what is no link") from None
    if target.scheme not in {response.url.scheme, "https"}:
        raise DownloadError("redirected to another scheme")
    return target


async def _keep(response: aiohttp.ClientResponse, folder: Path, limit: int, clock: Clock) -> Download:
    if response.status >= 500 or response.status == 429:
        raise _Passing(f"status {response.status}")
    if response.status != 200:
        raise DownloadError(f"status {response.status}")
    if response.content_length is not None and response.content_length > limit:
        return Download(None, response.content_length)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        path = Path(file.name)
        try:
            size = await _copy(response, file, limit, _Speed(clock, response.content_length or limit))
        except BaseException:
            # The next attempt begins anew; a half of a large video must not fill the disk meanwhile.
            await asyncio.to_thread(path.unlink)
            raise
    if 0 < size <= limit:
        return Download(path, size)
    await asyncio.to_thread(path.unlink)
    if size == 0:
        raise _Passing("an empty file")
    return Download(None, size)


async def _copy(response: aiohttp.ClientResponse, file: IO[bytes], limit: int, speed: _Speed) -> int:
    size = 0
    while size <= limit:
        async with asyncio.timeout(STALL_SECONDS):
            chunk = await response.content.read(CHUNK)
        if not chunk:
            break
        size += len(chunk)
        speed.check(size)
        if size <= limit:
            # A write to a slow disk must not hold up everyone else's card.
            await asyncio.to_thread(file.write, chunk)
    return size


class _Speed:
    """Tells when a download is too slow to keep its place."""

    def __init__(self, clock: Clock, expected: int) -> None:
        self._clock = clock
        self._began = self._marked = clock.now()
        self._at_mark = 0  # bytes
        self._longest = START_SECONDS + expected / AVERAGE_MIN  # seconds for the whole

    def check(self, size: int) -> None:
        """Take the bytes that have come so far. Raises DownloadError where they are too few."""
        now = self._clock.now()
        if (now - self._began).total_seconds() > self._longest:
            raise DownloadError("it takes too long")
        passed = (now - self._marked).total_seconds()
        if passed < SPEED_SECONDS:
            return
        if size - self._at_mark < SPEED_MIN * passed:
            raise DownloadError("it comes too slowly")
        self._marked, self._at_mark = now, size

"""Read files that Discord keeps: from its own hosts only, and never more than was asked for."""

from __future__ import annotations

import asyncio
import re
from typing import Any, Protocol

import aiohttp
import stamina

from bot.telemetry.metrics import NO_METRICS, Metrics

ATTEMPTS = 3
CHUNK = 256 * 1024  # bytes
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=30)
PLAIN = {"Accept-Encoding": "identity"}  # what is unpacked on arrival could be larger than its limit
READ_SECONDS = 60.0  # for one file with all attempts: 100 MiB in that time need 14 Mbit/s

# Attachments, and Discord's copies of what is embedded. Anything else could be the operator's own network.
DISCORD_HOSTS = re.compile(r"https://(cdn\.discordapp\.com|(media|images-ext-\d+)\.discordapp\.net)/")


class CdnError(Exception):
    """The file could not be read; the text is for the log and holds no link."""


class LargerThanAllowed(Exception):  # noqa: N818 - it names what was found
    """The file has more bytes than the reader takes: at least `size`."""

    def __init__(self, size: int) -> None:
        super().__init__(f"at least {size} bytes")
        self.size = size


class _Passing(Exception):  # noqa: N818 - never leaves this module
    """The server had a bad moment: worth another attempt."""


class Cdn(Protocol):
    """Where the bot reads members' files."""

    async def read(self, url: str, limit: int) -> bytes:
        """Return the file at this link. Raises CdnError, and LargerThanAllowed beyond so many bytes."""
        ...


class DiscordCdn:
    """Discord's own."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hosts: re.Pattern[str] = DISCORD_HOSTS,
        *,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._session = session
        self._metrics = metrics
        self._hosts = hosts

    async def read(self, url: str, limit: int) -> bytes:
        """Return the file at this link. Raises CdnError, and LargerThanAllowed beyond so many bytes."""
        if self._hosts.match(url) is None:
            raise CdnError("not a link of Discord's")
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await self._read_patiently(url, limit)
        except (aiohttp.ClientError, TimeoutError, _Passing) as error:
            raise CdnError(f"gave up: {type(error).__name__}") from None

    async def _read_patiently(self, url: str, limit: int) -> bytes:
        passing = (aiohttp.ClientError, TimeoutError, _Passing)
        async for attempt in stamina.retry_context(on=passing, attempts=ATTEMPTS, timeout=None):
            with attempt:
                return await self._read_once(url, limit)
        raise AssertionError("a retry context either returns or raises")

    async def _read_once(self, url: str, limit: int) -> bytes:
        # Discord does not redirect from here, and a redirect could lead anywhere.
        options: dict[str, Any] = {"timeout": TIMEOUT, "headers": PLAIN, "allow_redirects": False}
        async with self._session.get(url, **options) as response:
            if response.status >= 500 or response.status == 429:
                raise _Passing(f"status {response.status}")
            if response.status != 200:
                raise CdnError(f"status {response.status}")
            if response.content_length is not None and response.content_length > limit:
                raise LargerThanAllowed(response.content_length)
            data = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                data += chunk
                if len(data) > limit:
                    raise LargerThanAllowed(len(data))
            self._metrics.downloaded("reference", len(data))
            return bytes(data)

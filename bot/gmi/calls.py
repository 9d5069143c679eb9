"""Single calls of GMI Cloud over HTTP: with limits of time and size, and counted."""

from __future__ import annotations

import aiohttp
from yarl import URL

from bot.telemetry.metrics import Metrics, status_class

# A POST may wait for GMI's own database; a silent one becomes a search in the list, never a second POST.
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
ANSWER_MAX = 8 * 1024 * 1024  # bytes; a list of thousands of requests stays below it
CHUNK = 64 * 1024  # bytes

Answer = tuple[int, bytes, dict[str, str]]  # status, body, headers by their names in lower case


class TooLarge(aiohttp.ClientPayloadError):
    """An answer has more bytes than anybody wants to read."""


class Calls:
    """Makes calls with the key of one organization."""

    def __init__(self, session: aiohttp.ClientSession, headers: dict[str, str], metrics: Metrics) -> None:
        self._session = session
        self._headers = headers
        self._metrics = metrics

    async def make(self, operation: str, method: str, url: URL, body: aiohttp.Payload | None) -> Answer:
        """Make a call, and count it under the name of what it is for; raises what aiohttp does."""
        try:
            answer = await self._exchange(method, url, body)
        except Exception as error:
            self._metrics.gmi_called(operation, _failure(error))
            raise
        self._metrics.gmi_called(operation, status_class(answer[0]))
        return answer

    async def _exchange(self, method: str, url: URL, body: aiohttp.Payload | None) -> Answer:
        async with self._session.request(
            method, url, data=body, headers=self._headers, timeout=TIMEOUT, allow_redirects=False
        ) as response:
            content = bytearray()
            async for chunk in response.content.iter_chunked(CHUNK):
                content += chunk
                if len(content) > ANSWER_MAX:
                    raise TooLarge
            headers = {name.lower(): value for name, value in response.headers.items()}
            return response.status, bytes(content), headers


def _failure(error: Exception) -> str:
    """Return a word for what came in place of an answer."""
    if isinstance(error, TimeoutError):
        return "timeout"
    return "no_connection" if isinstance(error, aiohttp.ClientConnectorError) else "broken"

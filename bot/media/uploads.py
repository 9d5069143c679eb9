"""Store references with GMI Cloud itself, where its models can always read them; links are remembered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakValueDictionary

import aiohttp
import stamina
from yarl import URL

from bot.clock import Clock
from bot.gmi.client import GmiCloud, GmiError, SubmitOutcome
from bot.models.states import Reason
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

# GMI's name of each type. It signs the type as well: any other header in the PUT is refused.
FILE_TYPES = {"image/png": "png", "image/jpeg": "jpeg", "video/mp4": "mp4"}
ATTEMPTS = 3
UPLOADS_AT_ONCE = 4
# The place for a file is open for 899 seconds; the largest one in that time needs 1 Mbit/s.
TIMEOUT = aiohttp.ClientTimeout(total=890, sock_connect=10, sock_read=60)
LINK_LIFE = timedelta(hours=12)  # nobody documents it; what names its own end is believed
LINK_REST = timedelta(hours=2)  # a request may wait in line before its files are read
LINKS_MAX = 2_000  # remembered; the oldest goes first
_SIGNED_AT = "%Y%m%dT%H%M%SZ"  # of a signed link of Google's or Amazon's


class UploadError(Exception):
    """A file is not stored with GMI Cloud; the text is for the log and holds no link."""

    def __init__(
        self,
        text: str,
        *,
        passing: bool,
        reason: Reason = Reason.UNREACHABLE,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.passing = passing  # it may go better later
        self.reason = reason
        self.retry_after = retry_after  # seconds


class ReferenceUploads:
    """Uploads each file once as long as its link lives, whoever asks for it."""

    def __init__(
        self, session: aiohttp.ClientSession, gmi: GmiCloud, clock: Clock, metrics: Metrics = NO_METRICS
    ) -> None:
        self._session = session  # one that connects to public hosts only: GMI names where a file goes
        self._gmi = gmi
        self._clock = clock
        self._metrics = metrics
        self._links: dict[str, tuple[str, datetime]] = {}  # with until when each is given out, by digest
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._places = asyncio.Semaphore(UPLOADS_AT_ONCE)

    async def link_of(
        self, digest: str, content_type: str, read_bytes: Callable[[], Awaitable[bytes]]
    ) -> str:
        """Return a link by which GMI can read this file for the next hours; its bytes are read if needed.

        The digest names the bytes, the type is one of `FILE_TYPES`. Raises UploadError, and what
        `read_bytes` raises.
        """
        turn = self._turns.setdefault(digest, asyncio.Lock())
        async with turn:  # whoever wants the same file at the same moment waits for its link
            link, until = self._links.get(digest, ("", self._clock.now()))
            if self._clock.now() < until:
                self._metrics.reference_uploaded("remembered")
                return link
            try:
                async with self._places:
                    link = await self._upload(content_type, await read_bytes())
            except Exception:
                self._metrics.reference_uploaded("failed")
                raise
            self._metrics.reference_uploaded("sent")
            self._remember(digest, link)
            return link

    def forget(self, links: Collection[str]) -> None:
        """Give these links out no more: GMI could not read them."""
        self._links = {digest: kept for digest, kept in self._links.items() if kept[0] not in links}

    def _remember(self, digest: str, link: str) -> None:
        self._links.pop(digest, None)
        while len(self._links) >= LINKS_MAX:
            del self._links[next(iter(self._links))]
        self._links[digest] = link, _end_of(link, self._clock.now()) - LINK_REST

    async def _upload(self, content_type: str, data: bytes) -> str:
        """Store a file and return its link. Nothing here costs money: it may be repeated."""
        try:
            async for attempt in stamina.retry_context(on=_is_passing, attempts=ATTEMPTS, timeout=None):
                with attempt:
                    return await self._attempt(content_type, data)
        except GmiError as error:
            raise UploadError(
                f"no place: {error}",
                passing=_is_passing(error),
                reason=error.reason,
                retry_after=error.retry_after,
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UploadError(f"broken off: {type(error).__name__}", passing=True) from None
        raise AssertionError("a retry context either returns or raises")

    async def _attempt(self, content_type: str, data: bytes) -> str:
        place = await self._gmi.upload_place(FILE_TYPES[content_type])
        options: dict[str, Any] = {"timeout": TIMEOUT, "allow_redirects": False}
        # Without the key: the link is signed, and storage takes one credential only. As it is: another
        # spelling of it would be another link.
        async with self._session.put(
            URL(place.upload_url, encoded=True),
            data=BytesIO(data),
            headers={"Content-Type": content_type},
            **options,
        ) as response:
            if response.status >= 500 or response.status in {408, 429}:
                raise UploadError(f"storage: status {response.status}", passing=True)
            if not 200 <= response.status < 300:
                raise UploadError(f"storage: status {response.status}", passing=False)
        return place.public_url


def _is_passing(error: Exception) -> bool:
    """Return whether another attempt may help."""
    match error:
        case GmiError():
            return error.outcome is not SubmitOutcome.REFUSED
        case UploadError():
            return error.passing
    return isinstance(error, (aiohttp.ClientError, TimeoutError, OSError))


def _end_of(link: str, now: datetime) -> datetime:
    """Return until when a link lives: a signed one says so itself."""
    values = {name.lower(): value for name, value in parse_qsl(urlsplit(link).query)}
    ends = now + LINK_LIFE
    for signer in ("x-goog-", "x-amz-"):
        try:
            signed = datetime.strptime(values[f"{signer}date"], _SIGNED_AT).replace(tzinfo=UTC)
            ends = min(ends, signed + timedelta(seconds=int(values[f"{signer}expires"])))
        except (KeyError, ValueError, OverflowError):
            continue
    return ends

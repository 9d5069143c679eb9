"""Fetch the finished videos of a job into a folder that goes away, a few jobs at a time."""

from __future__ import annotations

import asyncio
import errno
import logging
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.clock import Clock
from bot.media.download import SIZE_MAX, Download, DownloadError, NotPublicError, download
from bot.media.hosts import public_link
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

PARALLEL_TRANSFERS = 4  # videos on their way at once: bounds disk and bandwidth


@dataclass(frozen=True, slots=True)
class Result:
    """A finished video: its link where people may follow it, and its bytes where they could be fetched."""

    link: str | None  # None: it does not lead to a public host
    file: Download | None = None  # None: it could not be fetched
    on_card: bool = False  # its file was posted before

    @property
    def missing(self) -> bool:
        """Tell whether the video could not be fetched so far."""
        return self.file is None and not self.on_card


class Fetcher:
    """Downloads results, and holds their place until they are posted."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        *,
        loopback: bool,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        self._session = session
        self._metrics = metrics
        self._clock = clock
        self._loopback = loopback  # whether a result may come from this machine
        self._transfers = asyncio.Semaphore(PARALLEL_TRANSFERS)

    @asynccontextmanager
    async def fetch(
        self, urls: Sequence[str], limit: int, on_card: Sequence[bool] = ()
    ) -> AsyncIterator[list[Result]]:
        """Yield a result for each link; what could not be fetched, for whatever reason, has no file.

        What the card already has is not fetched again.
        """
        async with self._transfers:
            with ExitStack() as stack:
                folder = _open_folder(stack)
                results = []
                for url, posted in zip(urls, on_card or [False] * len(urls), strict=True):
                    if posted:
                        results.append(Result(public_link(url, loopback=self._loopback), on_card=True))
                    else:
                        results.append(await self._fetch(url, folder, min(limit, SIZE_MAX)))
                yield results

    async def _fetch(self, url: str, folder: Path | None, limit: int) -> Result:
        link = public_link(url, loopback=self._loopback)
        if folder is None:
            return Result(link)
        try:
            file = await download(self._session, url, folder, limit, self._clock)
        except NotPublicError as error:
            log.warning("A finished video was not fetched: %s", error)
            return Result(None)
        except DownloadError as error:
            log.warning("A finished video could not be downloaded: %s", error)
        except Exception as error:
            # Whatever it is, the member gets the link. The text of the error may hold it: log the type only.
            log.error("A finished video could not be downloaded: %s", _name(error))
        else:
            if file.path is not None:
                self._metrics.downloaded("video", file.size)
            return Result(link, file)
        return Result(link)


def _open_folder(stack: ExitStack) -> Path | None:
    # What cannot be removed in the end must not make a video that was posted count as not posted.
    try:
        folder = tempfile.TemporaryDirectory(prefix="vidu-", ignore_cleanup_errors=True)
    except OSError as error:
        log.error("There is no place for finished videos: %s", _name(error))
        return None
    return Path(stack.enter_context(folder))


def _name(error: Exception) -> str:
    code = getattr(error, "errno", None)
    return f"{type(error).__name__} {errno.errorcode.get(code, code) if code else ''}".rstrip()

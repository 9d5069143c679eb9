"""What the demo's page has decoded once, it does not decode again.

SimCord's page turns every mp4 into VP9, since not every browser plays H.264. It does so in a new process for
every file of every page that is opened, one file after the other, and forgets the result with the page: a
reload of a channel with 20 videos took more than a minute, and nothing could be clicked meanwhile. Nothing
public of SimCord 3.2 changes that, so this takes the place of its private `Preview._media_worker`.
"""

from __future__ import annotations

import asyncio

from simcord import Preview
from simcord.preview._media import MediaInfo, MediaWorker

# The page shows 50 messages; a card has a video and up to seven references.
FILES_MAX = 400


class MediaCache(MediaWorker):
    """SimCord's decoder of pictures and videos, with a memory of what came of each file."""

    def __init__(self) -> None:
        super().__init__()
        self.decoded = 0  # how often a file was decoded
        # SimCord gives up on a file after 30 seconds, in which it counts the wait for the files before it.
        self._turn = asyncio.Lock()
        # By the file's digest and the second of the video that is shown, oldest first.
        self._results: dict[tuple[str, float], MediaInfo] = {}

    async def validate(self, key: str, blob: bytes, *, media_time: float | None = None) -> MediaInfo:
        """Return what a file looks like and plays as. Raises MediaError."""
        place = (key, media_time or 0.0)
        async with self._turn:
            if place not in self._results:
                self._results[place] = await super().validate(key, blob, media_time=media_time)
                self.decoded += 1
            if len(self._results) > FILES_MAX:
                del self._results[next(iter(self._results))]
            return self._results[place]

    def release(self, key: str) -> None:
        """Go on decoding a file whose page was closed: the page after a reload shows it too."""


def keep_media(preview: Preview) -> MediaCache:
    """Let a page that was not opened yet remember what it decodes."""
    cache = preview._media_worker = MediaCache()
    return cache

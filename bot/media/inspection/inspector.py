"""Look into members' files so that no member keeps the others waiting.

Each member has one request looked into at a time. Threads of their own decode pictures and talk with the
processes that measure clips: asyncio's threads, which look up names and write downloads, do none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from bot.clock import Clock
from bot.media.byte_budget import ByteBudget
from bot.media.inspection.clips import TookTooLong
from bot.media.inspection.inspect import identify, read_clip, read_image
from bot.media.inspection.reencoding import reencode
from bot.media.inspection.shrinking import shrink
from bot.models.cast import SavedPicture
from bot.models.catalog import Kind
from bot.models.problems import Problem, ProblemCode, Values
from bot.models.requests import Reference

# Together with the limits of one picture and one clip: the most memory that members can make the bot use.
PICTURES_AT_ONCE = 1  # in each of two lines: 300 MB while a large one is decoded, 180 MB for a small one
SMALL_MEGAPIXELS = 12  # most phones; decoded within 0.4 s, while the largest one takes up to 2 s
CLIPS_AT_ONCE = 2  # 100 MiB each, and 768 MiB at most in the process that measures it
PICTURE_BYTES = 200 * 1024 * 1024  # of pictures that are read or wait to be decoded

# Everybody has an answer within a minute: these two and the seconds that one clip may take make 56.
MEMBER_TURN_SECONDS = 20.0  # how long a member's next request waits for the one before it
CLIP_TURN_SECONDS = 30.0  # how long a request waits until its clips are looked into

PAUSE = timedelta(minutes=2)  # for whoever kept the reader busy; most of its time then is free for others
PAUSES_MAX = 10_000  # members remembered


class NotNow(Exception):  # noqa: N818 - it names what happened
    """None of a member's files is looked into now."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0  # by how many requests


class Inspector:
    """Looks into files, with a fair share for each member."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._small_pictures = ThreadPoolExecutor(PICTURES_AT_ONCE, thread_name_prefix="small pictures")
        self._large_pictures = ThreadPoolExecutor(PICTURES_AT_ONCE, thread_name_prefix="large pictures")
        self._clips = ThreadPoolExecutor(CLIPS_AT_ONCE, thread_name_prefix="clips")
        self._clip_turns = asyncio.Semaphore(CLIPS_AT_ONCE)
        self._turns: dict[int, _Turn] = {}  # by member
        self._pauses: dict[int, datetime] = {}  # by member, the earliest first
        self.picture_bytes = ByteBudget(PICTURE_BYTES)

    def close(self) -> None:
        """Look into nothing more."""
        for threads in (self._small_pictures, self._large_pictures, self._clips):
            threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def turn(self, user_id: int) -> AsyncIterator[None]:
        """Wait until no other request of this member is looked into. Raises NotNow."""
        self._check_pause(user_id)
        turn = self._turns.setdefault(user_id, _Turn())
        turn.wanted += 1
        try:
            await _acquire(turn.lock, MEMBER_TURN_SECONDS, ProblemCode.STILL_READING)
            try:
                self._check_pause(user_id)  # the request before may have earned one
                yield
            finally:
                turn.lock.release()
        finally:
            turn.wanted -= 1
            if not turn.wanted:
                del self._turns[user_id]

    @asynccontextmanager
    async def clip_turn(self) -> AsyncIterator[None]:
        """Wait until a clip may be read and measured; who asks first is first. Raises NotNow."""
        await _acquire(self._clip_turns, CLIP_TURN_SECONDS, ProblemCode.TOO_MANY_WAITING)
        try:
            yield
        finally:
            self._clip_turns.release()

    async def picture(self, name: str, url: str, data: bytes, expected: Kind | None) -> Reference | None:
        """Return the picture that these bytes are, or None if they are a clip. Raises Unreadable."""
        kind, found = identify(name, data, expected)
        if kind is Kind.VIDEO:
            return None
        loop, work = asyncio.get_running_loop(), partial(read_image, name, url, found, data)
        small = await loop.run_in_executor(self._small_pictures, work, SMALL_MEGAPIXELS)
        return small or await loop.run_in_executor(self._large_pictures, work)

    async def shrink(self, name: str, data: bytes, position: int) -> SavedPicture:
        """Return a picture that was looked into as it is kept. Raises Unreadable."""
        _, found = identify(name, data, Kind.IMAGE)
        return await shrink(name, found.name, data, position, self._large_pictures)

    async def clip(self, user_id: int, name: str, url: str, data: bytes, expected: Kind | None) -> Reference:
        """Return the clip, or the picture, that these bytes are; call it during a clip's turn.

        Raises Unreadable, and NotNow where the clip took too long: then its member has to pause.
        """
        picture = await self.picture(name, url, data, expected)
        if picture is not None:
            return picture
        _, found = identify(name, data, expected)
        try:
            return await read_clip(name, url, found, data, self._clips)
        except TookTooLong as error:
            until = _timestamp(self._pause(user_id))
            values: Values = {"name": name, "seconds": error.seconds, "until": until}
            raise NotNow(Problem(ProblemCode.VIDEO_TOO_SLOW, values)) from None

    async def reencode(self, data: bytes) -> bytes | None:
        """Return a picture as JPEG, or as PNG where it is transparent, or None if that does not work."""
        return await reencode(data, self._clips)

    def _check_pause(self, user_id: int) -> None:
        until = self._pauses.get(user_id)
        if until is not None and until > self._clock.now():
            raise NotNow(Problem(ProblemCode.READING_PAUSED, {"until": _timestamp(until)}))

    def _pause(self, user_id: int) -> datetime:
        now = self._clock.now()
        self._pauses.pop(user_id, None)
        while self._pauses:
            oldest, until = next(iter(self._pauses.items()))
            if until > now and len(self._pauses) < PAUSES_MAX:
                break
            del self._pauses[oldest]
        self._pauses[user_id] = now + PAUSE
        return now + PAUSE


async def _acquire(turns: asyncio.Lock | asyncio.Semaphore, seconds: float, otherwise: ProblemCode) -> None:
    try:
        async with asyncio.timeout(seconds):
            await turns.acquire()
    except TimeoutError:
        raise NotNow(Problem(otherwise)) from None


def _timestamp(moment: datetime) -> int:
    """Return a moment as a value of a problem: in seconds since 1970."""
    return int(moment.timestamp())

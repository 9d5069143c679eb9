"""Save a picture in another format: in the measuring process, within its limits of memory and time."""

from __future__ import annotations

from concurrent.futures import Executor

from bot.media.inspection.limited_process import PROBE, TookTooLong, converse

SECONDS_MAX = 10.0  # the largest WebP that is accepted takes about 3


async def reencode(data: bytes, threads: Executor) -> bytes | None:
    """Return a picture as JPEG, or as PNG where it is transparent, or None if that does not work.

    What its camera noted, such as a place, is left out.
    """
    try:
        return await converse((*PROBE, "picture"), data, threads, SECONDS_MAX)
    except TookTooLong:
        return None

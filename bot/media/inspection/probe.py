"""Measure one clip from standard input, in a process of its own: `python -P probe.py < clip`.

A single wrong count in a clip of 2 KB keeps MediaInfo busy for minutes or makes it take gigabytes, and a
thread cannot be stopped. Here such a file costs one short-lived process that holds no token and no key.
"""

from __future__ import annotations

import json
import math
import sys
from io import BytesIO

from pymediainfo import MediaInfo

if sys.platform != "win32":
    import resource

MEMORY_MAX = 768 * 1024 * 1024  # bytes of address space: the library, the largest clip and as much again
PROCESSOR_SECONDS_MAX = 15  # ends the process even if the one that waits for it is gone


def measure(data: bytes) -> dict[str, float] | None:
    """Return what is known about a clip, 0 for what is not, or None if it cannot be read.

    Keys: `videos` and `sounds` (number of tracks), `width` and `height` (pixels as displayed), `seconds`.
    """
    try:
        media = MediaInfo.parse(BytesIO(data), encoding_errors="replace")
    except (RuntimeError, SyntaxError, ValueError, MemoryError):  # SyntaxError: malformed XML
        return None
    found = {"videos": len(media.video_tracks), "sounds": len(media.audio_tracks)}
    if not media.video_tracks:
        return {**found, "width": 0, "height": 0, "seconds": 0}
    video = media.video_tracks[0]
    width, height = _number(video.width), _number(video.height)
    if round(_number(video.rotation)) % 180 == 90:
        width, height = height, width
    durations = (_number(track.duration) for track in (video, *media.general_tracks))
    seconds = next((milliseconds / 1000 for milliseconds in durations if milliseconds > 0), 0)
    return {**found, "width": width, "height": height, "seconds": seconds}


def _number(value: object) -> float:
    """Return a number that the library may give as a number, as text or not at all, else 0."""
    try:
        number = float(str(value))
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _limit() -> None:
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS_MAX, PROCESSOR_SECONDS_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit()
    json.dump(measure(sys.stdin.buffer.read()), sys.stdout)

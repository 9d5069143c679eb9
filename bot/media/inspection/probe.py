"""Measure one clip from standard input, in a process of its own: `python -P probe.py < clip`.

With the word `picture` it saves a picture in a format that every program reads.

A single wrong count in a clip of 2 KB keeps MediaInfo busy for minutes or makes it take gigabytes, and a
thread cannot be stopped. Here such a file costs one short-lived process that holds no token and no key.
"""

from __future__ import annotations

import json
import math
import sys
from io import BytesIO

if sys.platform != "win32":
    import resource

MEMORY_MAX = 768 * 1024 * 1024  # bytes of address space: the library, the largest clip and as much again
PROCESSOR_SECONDS_MAX = 15  # ends the process even if the one that waits for it is gone
JPEG_QUALITY = 95  # of 100: nobody sees a difference
PICTURE = "picture"
_UNREADABLE = 2  # exit code


def measure(data: bytes) -> dict[str, float] | None:
    """Return what is known about a clip, 0 for what is not, or None if it cannot be read.

    Keys: `videos` and `sounds` (number of tracks), `width` and `height` (pixels as displayed), `seconds`.
    """
    from pymediainfo import MediaInfo  # noqa: PLC0415 - a picture needs none of it

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


def save_picture(data: bytes) -> bytes:
    """Return a picture as a JPEG, or as a PNG where it is transparent; without what its camera noted."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - a clip needs none of it

    Image.MAX_IMAGE_PIXELS = None  # it was measured before, and this process has limits
    with Image.open(BytesIO(data), formats=("WEBP", "PNG", "JPEG")) as opened:
        upright = ImageOps.exif_transpose(opened)
        transparent = "A" in upright.getbands() and any(upright.getchannel("A").histogram()[:255])
        picture = upright.convert("RGBA" if transparent else "RGB")
    file = BytesIO()
    if transparent:
        picture.save(file, "PNG", compress_level=3)
    else:
        picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


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


def _main() -> int:
    _limit()
    data = sys.stdin.buffer.read()
    if sys.argv[1:] != [PICTURE]:
        json.dump(measure(data), sys.stdout)
        return 0
    try:
        saved = save_picture(data)
    except Exception:  # decoders given hostile bytes raise anything from OSError to SyntaxError
        return _UNREADABLE
    sys.stdout.buffer.write(saved)
    return 0


if __name__ == "__main__":
    sys.exit(_main())

"""Make a picture small enough to keep, in a process of its own: `python -P shrinker.py 1280 256 < picture`.

Nothing of what its camera noted stays: not the place, not the owner. It writes a line of JSON about the
picture and its preview, then the bytes of both.
"""

from __future__ import annotations

import json
import sys
from io import BytesIO

from PIL import Image, ImageCms, ImageOps

if sys.platform != "win32":
    import resource

MEMORY_MAX = 1024 * 1024 * 1024  # bytes of address space: the library, and the largest picture twice
PROCESSOR_SECONDS_MAX = 15  # ends the process even if the one that waits for it is gone
FORMATS = ("PNG", "JPEG", "WEBP")
JPEG_QUALITY = 90  # of 100; larger files look no better at this size
_UNREADABLE = 2  # exit code

Image.MAX_IMAGE_PIXELS = None  # it was measured before, and this process has limits


def shrink(data: bytes, side_max: int, preview_side: int) -> bytes:
    """Return a picture and its preview as JPEG, or as PNG where there is transparency."""
    with Image.open(BytesIO(data), formats=FORMATS) as opened:
        picture = _upright(opened, side_max)
    preview = picture.copy()
    preview.thumbnail((preview_side, preview_side))
    content, small = _encode(picture), _encode(preview)
    about = {
        "format": "png" if picture.mode == "RGBA" else "jpeg",
        "width": picture.width,
        "height": picture.height,
        "size": len(content),
    }
    return json.dumps(about).encode() + b"\n" + content + small


def _upright(opened: Image.Image, side_max: int) -> Image.Image:
    """Return the picture as it is shown, in the usual colors and with no side longer than that."""
    profile = opened.info.get("icc_profile")
    picture: Image.Image = opened
    if picture.mode.startswith("I"):  # 16 bits of gray
        picture = picture.convert("I").point(lambda value: value / 256).convert("L")
    elif "transparency" in opened.info or picture.mode in {"PA", "LA", "La", "RGBa"}:
        picture = picture.convert("RGBA")
    elif picture.mode in {"P", "1"}:
        picture = picture.convert("RGB")
    picture.thumbnail((side_max, side_max))  # before it is turned, which takes the memory twice
    picture = ImageOps.exif_transpose(picture)
    if profile:
        picture = _in_usual_colors(picture, profile)
    if picture.mode == "RGBA" and picture.getchannel("A").getextrema()[0] == 255:
        picture = picture.convert("RGB")
    picture = picture if picture.mode in {"RGB", "RGBA"} else picture.convert("RGB")
    picture.info = {}  # comments and profiles would be written with it
    return picture


def _in_usual_colors(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return the picture in sRGB, which is what everybody takes a picture without a profile for."""
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGBA" if picture.mode == "RGBA" else "RGB",
        )
    except Exception:  # a profile that makes no sense, or not for this picture
        return picture
    return converted or picture


def _encode(picture: Image.Image) -> bytes:
    file = BytesIO()
    if picture.mode == "RGBA":
        picture.save(file, "PNG", optimize=True)
    else:
        picture.save(file, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return file.getvalue()


def _limit() -> None:
    if sys.platform != "win32":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
        resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECONDS_MAX, PROCESSOR_SECONDS_MAX))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main() -> int:
    _limit()
    try:
        answer = shrink(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2]))
    except Exception:  # decoders given hostile bytes raise anything from OSError to SyntaxError
        return _UNREADABLE
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(_main())

"""Measure an image: decode the whole of it, within bounds of time and memory."""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image

from bot.media.inspection.containers import PARTS_MAX, count_parts
from bot.media.inspection.formats import JPEG, Format
from bot.media.inspection.unreadable import Unreadable
from bot.models.problems import Problem, ProblemCode, Values

# A phone's 50 megapixels fit, and decoding takes 300 MB at most (15 bytes a pixel for WebP, 4 for PNG).
MEGAPIXELS_MAX = {"PNG": 64, "JPEG": 64, "WEBP": 20}
SCANS_MAX = 50  # a progressive JPEG has about 10; each costs 95 bytes and passes over the whole picture

# What it notes about damaged files is not for the operator: there is a problem for the member.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow's own guard prints a warning where this module answers with a problem. The header's dimensions
# are checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_EXIF_ORIENTATION = 0x0112
_TURNED_ORIENTATIONS = (5, 6, 7, 8)  # shown with width and height swapped


def measure_image(
    name: str, found: Format, data: bytes, megapixels_max: float | None = None
) -> tuple[int, int] | None:
    """Return the width and height in pixels as displayed, or None beyond that size.

    Decodes the whole picture: run it in a thread, one at a time. Raises Unreadable.
    """
    about = {"name": name, "format": found.name}
    scans = data.count(b"\xff\xda") if found is JPEG else 1
    if scans > SCANS_MAX:
        values: Values = {"name": name, "scans": scans, "scans_max": SCANS_MAX}
        raise Unreadable(Problem(ProblemCode.IMAGE_TOO_MANY_SCANS, values))
    if count_parts(data) > PARTS_MAX:
        raise Unreadable(Problem(ProblemCode.IMAGE_TOO_MANY_PARTS, about))
    try:
        with Image.open(BytesIO(data), formats=tuple(MEGAPIXELS_MAX)) as picture:
            width, height = picture.size
            _check_pixels(name, picture)
            if megapixels_max is not None and width * height > megapixels_max * 1_000_000:
                return None
            # A JPEG is decoded at an eighth of its size: all of it is read, in a fraction of the memory.
            picture.draft(None, (width // 8, height // 8))
            picture.load()
            turned = picture.getexif().get(_EXIF_ORIENTATION) in _TURNED_ORIENTATIONS
    except Unreadable:
        raise
    except Exception as error:  # decoders given hostile bytes raise anything from OSError to SyntaxError
        raise Unreadable(Problem(ProblemCode.IMAGE_BROKEN, about)) from error
    return (height, width) if turned else (width, height)


def _check_pixels(name: str, picture: Image.Image) -> None:
    # Of a JPEG with several pictures Pillow makes a format of its own, read at the same cost.
    limit = MEGAPIXELS_MAX.get(picture.format or "", MEGAPIXELS_MAX["JPEG"])
    if picture.width * picture.height > limit * 1_000_000:
        values: Values = {
            "name": name,
            "width": picture.width,
            "height": picture.height,
            "megapixels_max": limit,
        }
        raise Unreadable(Problem(ProblemCode.IMAGE_TOO_MANY_PIXELS, values))

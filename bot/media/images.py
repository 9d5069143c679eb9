"""Measure a picture: decode the whole of it, within bounds of time and memory."""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image

from bot.media.containers import PARTS_MAX, count_parts
from bot.media.formats import JPEG, NEEDED, Format
from bot.media.unreadable import Unreadable
from bot.models.requests import Kind

# A phone's 50 megapixels fit, and decoding takes 300 MB at most (15 bytes a pixel for WebP, 4 for PNG).
MEGAPIXELS_MAX = {"PNG": 64, "JPEG": 64, "WEBP": 20}
SCANS_MAX = 50  # a progressive JPEG has about 10; each costs 95 bytes and passes over the whole picture

# What it notes about damaged files is not for the operator: there is a sentence for the member.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow's own guard prints a warning where this module answers with a sentence. The header's dimensions
# are checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_EXIF_ORIENTATION = 0x0112
_TURNED_ORIENTATIONS = (5, 6, 7, 8)  # shown with width and height swapped


def measure_image(
    shown: str, found: Format, data: bytes, megapixels_max: float | None
) -> tuple[int, int] | None:
    """Return the width and height in pixels as displayed, or None beyond that size. Raises Unreadable."""
    scans = data.count(b"\xff\xda") if found is JPEG else 1
    if scans > SCANS_MAX:
        raise Unreadable(
            f"**{shown}** is {found.phrase} in {scans:,} passes, the limit is {SCANS_MAX}. "
            f"Save it again as {NEEDED[Kind.IMAGE]} and attach the new file."
        )
    if count_parts(data) > PARTS_MAX:
        raise Unreadable(
            f"**{shown}** is {found.phrase} in so many parts that reading it would take too long. "
            f"Save it again as {NEEDED[Kind.IMAGE]} and attach the new file."
        )
    try:
        with Image.open(BytesIO(data), formats=tuple(MEGAPIXELS_MAX)) as picture:
            width, height = picture.size
            _check_pixels(shown, picture)
            if megapixels_max is not None and width * height > megapixels_max * 1_000_000:
                return None
            # A JPEG is decoded at an eighth of its size: all of it is read, in a fraction of the memory.
            picture.draft(None, (width // 8, height // 8))
            picture.load()
            turned = picture.getexif().get(_EXIF_ORIENTATION) in _TURNED_ORIENTATIONS
    except Unreadable:
        raise
    except Exception as error:  # decoders given hostile bytes raise anything from OSError to SyntaxError
        raise Unreadable(
            f"**{shown}** is {found.phrase}, but it is broken or cut off. "
            f"Save it again as {NEEDED[Kind.IMAGE]} and attach the new file."
        ) from error
    return (height, width) if turned else (width, height)


def _check_pixels(shown: str, picture: Image.Image) -> None:
    megapixels = picture.width * picture.height / 1_000_000
    # Of a JPEG with several pictures Pillow makes a format of its own, read at the same cost.
    limit = MEGAPIXELS_MAX.get(picture.format or "", MEGAPIXELS_MAX["JPEG"])
    if megapixels > limit:
        raise Unreadable(
            f"**{shown}** is {picture.width}x{picture.height} pixels, that is {megapixels:,.1f} megapixels; "
            f"the limit is {limit}. Make it smaller."
        )

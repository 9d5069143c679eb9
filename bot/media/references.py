"""Checked references: what an attachment really is, read from its bytes and never from its name."""

from __future__ import annotations

import re
import warnings
from concurrent.futures import Executor
from io import BytesIO

from PIL import Image

from bot.media.clips import measure
from bot.media.containers import PARTS_MAX, count_parts, has_impossible_table, top_boxes
from bot.media.formats import JPEG, Format, detect
from bot.models.requests import Kind, Reference, size_faults

NAME_MAX = 40  # characters: longer names push the rest of a sentence off a phone's screen
# A phone's 50 megapixels fit, and decoding takes 300 MB at most (15 bytes a pixel for WebP, 4 for PNG).
MEGAPIXELS_MAX = {"PNG": 64, "JPEG": 64, "WEBP": 20}
SCANS_MAX = 50  # a progressive JPEG has about 10; each costs 95 bytes and passes over the whole picture

# What it notes about damaged files is not for the operator: there is a sentence for the member.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
# Pillow's own guard prints a warning where this module answers with a sentence. The header's dimensions
# are checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_NEEDED = {Kind.IMAGE: "PNG, JPEG or WebP", Kind.VIDEO: "MP4 or MOV"}
ANY_NEEDED = "PNG, JPEG, WebP, MP4 or MOV"
_OPTION = {Kind.IMAGE: "image1", Kind.VIDEO: "video1"}
_EXPECTED = {Kind.IMAGE: "a picture", Kind.VIDEO: "a clip"}

_EXIF_ORIENTATION = 0x0112
_TURNED_ORIENTATIONS = (5, 6, 7, 8)  # shown with width and height swapped

# An underscore between two letters or digits never formats in Discord, and names are full of them.
_MARKDOWN = re.compile(r"[*`~|<\[]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


class Unreadable(Exception):  # noqa: N818 - says what the attachment is, as people would
    """Tell in one sentence why an attachment cannot be a reference."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def display_name(name: str) -> str:
    """Return a file's name so that it cannot format, link or ping, cut in the middle where it is long.

    A name must pass only once, a second time would show the backslashes of the first.
    """
    base = re.split(r"[/\\]", name)[-1]
    text = " ".join("".join(c if c.isprintable() else " " for c in base).split()) or "file"
    if len(text) > NAME_MAX:
        text = f"{text[: NAME_MAX // 2]}…{text[-(NAME_MAX - NAME_MAX // 2 - 1) :]}"
    return _MARKDOWN.sub(r"\\\g<0>", text).replace("@", "@\u200b")


def identify(shown: str, data: bytes, expected: Kind | None) -> tuple[Kind, Format]:
    """Return whether these bytes are a picture or a clip, and of what format. Raises Unreadable."""
    if not data:
        raise Unreadable(size_faults(shown, 0, expected or Kind.IMAGE)[0])
    found = detect(data)
    if found is None or not found.usable or (expected or found.kinds[0]) not in found.kinds:
        raise Unreadable(_refusal(shown, found, expected))
    kind = expected or found.kinds[0]
    for sentence in size_faults(shown, len(data), kind):
        raise Unreadable(sentence)
    return kind, found


def read_picture(
    shown: str, url: str, found: Format, data: bytes, megapixels_max: float | None = None
) -> Reference | None:
    """Return the picture that these bytes are, or None if it is larger than that; the name must be safe.

    Decodes the whole picture: run it in a thread, one at a time. Raises Unreadable.
    """
    size = _picture_size(shown, found, data, megapixels_max)
    return None if size is None else Reference(Kind.IMAGE, shown, url, len(data), *size)


async def read_clip(shown: str, url: str, found: Format, data: bytes, threads: Executor) -> Reference:
    """Return the clip that these bytes are; its name must be safe to show.

    Runs a process that takes memory and time: only few at a time. Raises Unreadable and TookTooLong.
    """
    _check_whole(shown, found, data)
    if has_impossible_table(data):
        raise Unreadable(_broken_clip(shown, found))
    width, height, seconds = _clip_measures(shown, found, await measure(data, threads))
    return Reference(Kind.VIDEO, shown, url, len(data), width, height, seconds)


def _refusal(shown: str, found: Format | None, expected: Kind | None) -> str:
    needed = _NEEDED[expected] if expected else ANY_NEEDED
    if found is None:
        return (
            f"**{shown}** is not a picture or a clip that can be read. "
            f"Attach {_EXPECTED[expected] if expected else 'one'} as {needed}."
        )
    if not found.kinds:
        return f"**{shown}** is {found.phrase}. {needed} is needed: attach one of these."
    if expected is None or expected in found.kinds:
        return f"**{shown}** is {found.phrase}. {needed} is needed: save it as one of these."
    kind = found.kinds[0]
    action = "Attach it" if found.usable else f"Save it as {_NEEDED[kind]} and attach it"
    return (
        f"**{shown}** is {found.phrase}, but {_EXPECTED[expected]} ({_NEEDED[expected]}) is expected here. "
        f"{action} as `{_OPTION[kind]}`."
    )


def _picture_size(
    shown: str, found: Format, data: bytes, megapixels_max: float | None
) -> tuple[int, int] | None:
    """Return the width and height in pixels as displayed, or None beyond that size. Raises Unreadable."""
    scans = data.count(b"\xff\xda") if found is JPEG else 1
    if scans > SCANS_MAX:
        raise Unreadable(
            f"**{shown}** is {found.phrase} in {scans:,} passes, the limit is {SCANS_MAX}. "
            f"Save it again as {_NEEDED[Kind.IMAGE]} and attach the new file."
        )
    if count_parts(data) > PARTS_MAX:
        raise Unreadable(
            f"**{shown}** is {found.phrase} in so many parts that reading it would take too long. "
            f"Save it again as {_NEEDED[Kind.IMAGE]} and attach the new file."
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
            f"Save it again as {_NEEDED[Kind.IMAGE]} and attach the new file."
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


def _clip_measures(shown: str, found: Format, measures: dict[str, float] | None) -> tuple[int, int, float]:
    """Return the width and height in pixels as displayed, and the seconds. Raises Unreadable."""
    if measures is None or not measures["videos"] + measures["sounds"]:
        raise Unreadable(_broken_clip(shown, found))
    if not measures["videos"]:
        raise Unreadable(
            f"**{shown}** is {found.phrase} with sound but without a video track. "
            f"Attach a clip ({_NEEDED[Kind.VIDEO]}) that shows something."
        )
    width, height, seconds = int(measures["width"]), int(measures["height"]), measures["seconds"]
    if min(width, height) < 1:
        raise Unreadable(_broken_clip(shown, found))
    if seconds <= 0:
        raise Unreadable(
            f"**{shown}** does not say how long it lasts, or lasts 0 s. "
            f"Export it again as {_NEEDED[Kind.VIDEO]} and attach the new file."
        )
    return width, height, seconds


def _broken_clip(shown: str, found: Format) -> str:
    return (
        f"**{shown}** is {found.phrase}, but it is broken or cut off. "
        f"Export it again as {_NEEDED[Kind.VIDEO]} and attach the new file."
    )


def _check_whole(shown: str, found: Format, data: bytes) -> None:
    """Raise Unreadable if the end of a clip is missing, which its index alone would not show."""
    seen = set()
    for kind, end in top_boxes(data):
        seen.add(kind)
        if end > len(data):
            raise Unreadable(
                f"**{shown}** is cut off: it has {len(data):,} of at least {end:,} bytes. "
                "Save or download it again and attach the whole file."
            )
    if b"moov" not in seen:
        raise Unreadable(
            f"**{shown}** is {found.phrase} without its index, so it is cut off or was never finished. "
            f"Export it again as {_NEEDED[Kind.VIDEO]} and attach the new file."
        )
    if b"mdat" not in seen:
        raise Unreadable(_broken_clip(shown, found))

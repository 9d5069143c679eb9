"""Checked references: what an attachment really is, read from its bytes and never from its name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from threading import BoundedSemaphore

from PIL import Image

from bot.formats import JPEG, Format, detect
from bot.request import Kind, Reference, size_faults

NAME_MAX = 40  # characters: longer names push the rest of a sentence off a phone's screen
# A phone's 50 megapixels fit, and decoding takes 300 MB at most (15 bytes a pixel for WebP, 4 for PNG).
MEGAPIXELS_MAX = {"PNG": 64, "JPEG": 64, "WEBP": 20}
SCANS_MAX = 50  # a progressive JPEG has about 10; each costs 95 bytes and passes over the whole picture
MEASURE_SECONDS_MAX = 10  # a whole clip of 100 MiB takes well under one
BOXES_MAX = 100_000  # far more than the fragments of an hour of video; a hostile file could hold millions

# Pillow's own guard prints a warning where this module answers with a sentence. The header's dimensions
# are checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

# Together with the limits above: the most memory that members can make the bot use at once.
_PICTURE_TURN = BoundedSemaphore(1)
_CLIP_TURN = BoundedSemaphore(2)

_MEASURE = (sys.executable, "-P", str(Path(__file__).with_name("measure.py")))
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")  # what a Python may need to start

_NEEDED = {Kind.IMAGE: "PNG, JPEG or WebP", Kind.VIDEO: "MP4 or MOV"}
ANY_NEEDED = "PNG, JPEG, WebP, MP4 or MOV"
_OPTION = {Kind.IMAGE: "image1", Kind.VIDEO: "video1"}
_EXPECTED = {Kind.IMAGE: "a picture", Kind.VIDEO: "a clip"}

_EXIF_ORIENTATION = 0x0112
_TURNED_ORIENTATIONS = (5, 6, 7, 8)  # shown with width and height swapped

# An underscore between two letters or digits never formats in Discord, and names are full of them.
_MARKDOWN = re.compile(r"[*`~|<\[]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_BOXES = frozenset(
    b"ftyp moov mdat moof mfra sidx styp emsg prft ssix free skip wide pnot PICT meta uuid udta pdin".split()
)


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


def probe(shown: str, url: str, data: bytes, expected: Kind | None) -> Reference:
    """Return the picture or clip that these bytes are; its name must be safe to show.

    Decodes whole pictures: run it in a thread. Raises Unreadable.
    """
    if not data:
        raise Unreadable(size_faults(shown, 0, expected or Kind.IMAGE)[0])
    found = detect(data)
    if found is None or not found.usable or (expected or found.kinds[0]) not in found.kinds:
        raise Unreadable(_refusal(shown, found, expected))
    kind = expected or found.kinds[0]
    for sentence in size_faults(shown, len(data), kind):
        raise Unreadable(sentence)
    if kind is Kind.IMAGE:
        width, height = _picture_size(shown, found, data)
        return Reference(kind, shown, url, len(data), width, height)
    _check_whole(shown, found, data)
    width, height, seconds = _clip_measures(shown, found, data)
    return Reference(kind, shown, url, len(data), width, height, seconds)


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


def _picture_size(shown: str, found: Format, data: bytes) -> tuple[int, int]:
    """Return the width and height in pixels as displayed. Raises Unreadable."""
    scans = data.count(b"\xff\xda") if found is JPEG else 1
    if scans > SCANS_MAX:
        raise Unreadable(
            f"**{shown}** is {found.phrase} in {scans:,} passes, the limit is {SCANS_MAX}. "
            f"Save it again as {_NEEDED[Kind.IMAGE]} and attach the new file."
        )
    try:
        with _PICTURE_TURN, Image.open(BytesIO(data), formats=tuple(MEGAPIXELS_MAX)) as picture:
            width, height = picture.size
            _check_pixels(shown, picture)
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


def _clip_measures(shown: str, found: Format, data: bytes) -> tuple[int, int, float]:
    """Return the width and height in pixels as displayed, and the seconds. Raises Unreadable."""
    measures = _measure(data)
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


def _measure(data: bytes) -> dict[str, float] | None:
    """Return what measure.py tells about a clip, or None if it cannot be read."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        with _CLIP_TURN:
            done = subprocess.run(  # noqa: S603 - fixed words only, the clip comes in as standard input
                _MEASURE,
                input=data,
                env=environment,
                capture_output=True,
                timeout=MEASURE_SECONDS_MAX,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == 1:  # Python could not import or load the library: no fault of the clip
        raise RuntimeError(f"The reader of clips does not start: {done.stderr.decode(errors='replace')}")
    if done.returncode:
        return None
    measures: dict[str, float] | None = json.loads(done.stdout)
    return measures


def _broken_clip(shown: str, found: Format) -> str:
    return (
        f"**{shown}** is {found.phrase}, but it is broken or cut off. "
        f"Export it again as {_NEEDED[Kind.VIDEO]} and attach the new file."
    )


def _check_whole(shown: str, found: Format, data: bytes) -> None:
    """Raise Unreadable if the end of a clip is missing, which its index alone would not show."""
    seen = set()
    for kind, end in _boxes(data):
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


def _boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the type and the end of each top-level box (ISO/IEC 14496-12), up to the first unknown one."""
    start = 0
    for _ in range(BOXES_MAX):
        size, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        if kind not in _BOXES:  # some cameras and phones append notes of their own
            return
        header = 8
        if size == 1:  # the size follows as 64 bits
            header, size = 16, int.from_bytes(data[start + 8 : start + 16], "big")
        elif size == 0:  # reaches to the end of the file
            size = len(data) - start
        if size < header:
            return
        yield kind, start + size
        start += size

"""Checked references: what an attachment really is, read from its bytes and never from its name."""

from __future__ import annotations

import codecs
import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import filetype
from PIL import Image
from pymediainfo import MediaInfo

from bot.request import Kind, Reference, size_faults

NAME_MAX = 40  # characters: longer names push the rest of a sentence off a phone's screen
MEGAPIXELS_MAX = 64  # above a phone's 50, and decoded (4 bytes a pixel) it still fits a small server's memory
BOXES_MAX = 100_000  # far more than the fragments of an hour of video; a hostile file could hold millions

# Pillow's own guard prints a warning where this module answers with a sentence. The header's dimensions
# are checked before any pixel is decoded.
Image.MAX_IMAGE_PIXELS = None

_NEEDED = {Kind.IMAGE: "PNG, JPEG or WebP", Kind.VIDEO: "MP4 or MOV"}
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


@dataclass(frozen=True, slots=True)
class _Format:
    """What the bytes of a file say that it is."""

    phrase: str
    kinds: tuple[Kind, ...] = ()  # what it could be saved as
    usable: bool = False


_PICTURE, _CLIP = (Kind.IMAGE,), (Kind.VIDEO,)
_MP4 = _Format("an MP4 clip", _CLIP, usable=True)
_MOV = _Format("a MOV clip", _CLIP, usable=True)
_HEIC = _Format("a HEIC picture", _PICTURE)
_AVIF = _Format("an AVIF picture", _PICTURE)
_SOUND = _Format("a sound file")

_FORMATS = {
    "image/png": _Format("a PNG picture", _PICTURE, usable=True),
    "image/apng": _Format("a PNG picture", _PICTURE, usable=True),
    "image/jpeg": _Format("a JPEG picture", _PICTURE, usable=True),
    "image/webp": _Format("a WebP picture", _PICTURE, usable=True),
    "image/gif": _Format("a GIF picture", (Kind.IMAGE, Kind.VIDEO)),
    "image/bmp": _Format("a BMP picture", _PICTURE),
    "image/tiff": _Format("a TIFF picture", _PICTURE),
    "image/x-icon": _Format("an ICO picture", _PICTURE),
    "image/vnd.adobe.photoshop": _Format("a Photoshop picture", _PICTURE),
    "video/webm": _Format("a WebM clip", _CLIP),
    "video/x-matroska": _Format("an MKV clip", _CLIP),
    "video/x-msvideo": _Format("an AVI clip", _CLIP),
    "video/x-ms-wmv": _Format("a WMV clip", _CLIP),
    "video/mpeg": _Format("an MPEG clip", _CLIP),
    "video/x-flv": _Format("an FLV clip", _CLIP),
    "application/pdf": _Format("a PDF document"),
    "application/zip": _Format("a ZIP archive"),
}

# Major brands of the `ftyp` box that are no MP4. Any other brand is taken as MP4, there are dozens.
_BRANDS = {
    b"qt  ": _MOV,
    b"crx ": _Format("a raw camera picture", _PICTURE),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A "), _SOUND),
}
_BOXES = frozenset(
    b"ftyp moov mdat moof mfra sidx styp emsg prft ssix free skip wide pnot PICT meta uuid udta pdin".split()
)
_FIRST_BOXES_WITHOUT_FTYP = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # older QuickTime


def display_name(name: str) -> str:
    """Return a file's name so that it cannot format, link or ping, cut in the middle where it is long.

    A name must pass only once, a second time would show the backslashes of the first.
    """
    base = re.split(r"[/\\]", name)[-1]
    text = " ".join("".join(c if c.isprintable() else " " for c in base).split()) or "file"
    if len(text) > NAME_MAX:
        text = f"{text[: NAME_MAX // 2]}…{text[-(NAME_MAX - NAME_MAX // 2 - 1) :]}"
    return _MARKDOWN.sub(r"\\\g<0>", text).replace("@", "@\u200b")


def probe(name: str, url: str, data: bytes, expected: Kind) -> Reference:
    """Return the picture or clip that these bytes are.

    Decodes whole pictures: run it in a thread. Raises Unreadable.
    """
    shown = display_name(name)
    if not data:
        raise Unreadable(size_faults(shown, 0, expected)[0])
    found = _format(data)
    if found is None or not found.usable or expected not in found.kinds:
        raise Unreadable(_refusal(shown, found, expected))
    for sentence in size_faults(shown, len(data), expected):
        raise Unreadable(sentence)
    if expected is Kind.IMAGE:
        width, height = _picture_size(shown, found, data)
        return Reference(expected, shown, url, len(data), width, height)
    _check_whole(shown, found, data)
    width, height, seconds = _clip_measures(shown, found, data)
    return Reference(expected, shown, url, len(data), width, height, seconds)


def _refusal(shown: str, found: _Format | None, expected: Kind) -> str:
    if found is None:
        return (
            f"**{shown}** is not a picture or a clip that can be read. "
            f"Attach {_EXPECTED[expected]} as {_NEEDED[expected]}."
        )
    if not found.kinds:
        return f"**{shown}** is {found.phrase}. {_NEEDED[expected]} is needed: attach one of these."
    if expected in found.kinds:
        return f"**{shown}** is {found.phrase}. {_NEEDED[expected]} is needed: save it as one of these."
    kind = found.kinds[0]
    action = "Attach it" if found.usable else f"Save it as {_NEEDED[kind]} and attach it"
    return (
        f"**{shown}** is {found.phrase}, but {_EXPECTED[expected]} ({_NEEDED[expected]}) is expected here. "
        f"{action} as `{_OPTION[kind]}`."
    )


def _format(data: bytes) -> _Format | None:
    """Return what these bytes are, if that can be told."""
    if data[4:8] == b"ftyp":
        return _brand_format(data)
    if data[4:8] in _FIRST_BOXES_WITHOUT_FTYP:
        return _MOV
    mime = _mime(data)
    return _text_format(data) if mime is None else _FORMATS.get(mime) or _other_format(mime)


def _other_format(mime: str) -> _Format:
    family = mime.partition("/")[0]
    if family == "audio":
        return _SOUND
    if family in {"image", "video"}:
        noun = "picture" if family == "image" else "clip"
        return _Format(f"a {noun} of type {mime}", (Kind(family),))
    return _Format(f"a file of type {mime}")


def _brand_format(data: bytes) -> _Format:
    major = data[8:12]
    if major.startswith((b"3gp", b"3g2")):
        return _Format("a 3GP clip", _CLIP)
    # Still pictures of both kinds may lead with the common brand and tell themselves apart by the others.
    if major in {b"mif1", b"msf1"} and re.search(b"avi[fs]", data[16 : int.from_bytes(data[:4], "big")]):
        return _AVIF
    return _BRANDS.get(major, _MP4)


def _mime(data: bytes) -> str | None:
    try:
        mime: str | None = filetype.guess_mime(data)
    except (IndexError, ValueError, struct.error):  # a header of some format that ends too early
        return None
    return mime


def _text_format(data: bytes) -> _Format | None:
    try:
        text = codecs.utf_8_decode(data[:1024], "strict", False)[0].removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    if not text or not all(character.isprintable() or character.isspace() for character in text):
        return None
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return _Format("a web page")
    if start.startswith(("<svg", "<?xml")) and "<svg" in start:
        return _Format("an SVG drawing", _PICTURE)
    return _Format("a text file")


def _picture_size(shown: str, found: _Format, data: bytes) -> tuple[int, int]:
    """Return the width and height in pixels as displayed. Raises Unreadable."""
    try:
        with Image.open(BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as picture:
            width, height = picture.size
            _check_pixels(shown, width, height)
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


def _check_pixels(shown: str, width: int, height: int) -> None:
    megapixels = width * height / 1_000_000
    if megapixels > MEGAPIXELS_MAX:
        raise Unreadable(
            f"**{shown}** is {width}x{height} pixels, that is {megapixels:,.1f} megapixels; "
            f"the limit is {MEGAPIXELS_MAX}. Make it smaller."
        )


def _clip_measures(shown: str, found: _Format, data: bytes) -> tuple[int, int, float]:
    """Return the width and height in pixels as displayed, and the seconds. Raises Unreadable."""
    try:
        # Always the same options: the library shares them between threads.
        media = MediaInfo.parse(BytesIO(data), encoding_errors="replace")
    except (
        RuntimeError,
        SyntaxError,
        ValueError,
    ) as error:  # SyntaxError: malformed XML
        raise Unreadable(_broken_clip(shown, found)) from error
    if not media.video_tracks:
        raise Unreadable(
            f"**{shown}** is {found.phrase} without a video track"
            f"{', it has only sound' if media.audio_tracks else ''}. Attach a clip that shows something."
        )
    video = media.video_tracks[0]
    width, height = int(_number(video.width)), int(_number(video.height))
    durations = (_number(track.duration) for track in (video, *media.general_tracks))
    seconds = next((milliseconds / 1000 for milliseconds in durations if milliseconds > 0), 0.0)
    if min(width, height) < 1:
        raise Unreadable(_broken_clip(shown, found))
    if seconds == 0:
        raise Unreadable(
            f"**{shown}** does not say how long it lasts, or lasts 0 s. "
            f"Export it again as {_NEEDED[Kind.VIDEO]} and attach the new file."
        )
    sideways = round(_number(video.rotation)) % 180 == 90
    return (height, width, seconds) if sideways else (width, height, seconds)


def _number(value: object) -> float:
    """Return a number that the library may give as a number, as text or not at all, else 0."""
    try:
        number = float(str(value))
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0


def _broken_clip(shown: str, found: _Format) -> str:
    return (
        f"**{shown}** is {found.phrase}, but it is broken or cut off. "
        f"Export it again as {_NEEDED[Kind.VIDEO]} and attach the new file."
    )


def _check_whole(shown: str, found: _Format, data: bytes) -> None:
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

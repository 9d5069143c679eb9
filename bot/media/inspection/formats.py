"""What a file is, by its bytes."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass

import filetype

from bot.models.catalog import Kind
from bot.models.problems import FileFormat


@dataclass(frozen=True, slots=True)
class Format:
    """What the bytes of a file say that it is."""

    name: FileFormat
    kinds: tuple[Kind, ...] = ()  # what it could be saved as
    usable: bool = False
    mime: str = ""  # of what has no name of its own


_IMAGE, _VIDEO = (Kind.IMAGE,), (Kind.VIDEO,)
JPEG = Format(FileFormat.JPEG, _IMAGE, usable=True)
_MP4 = Format(FileFormat.MP4, _VIDEO, usable=True)
_MOV = Format(FileFormat.MOV, _VIDEO, usable=True)
_HEIC = Format(FileFormat.HEIC, _IMAGE)
_AVIF = Format(FileFormat.AVIF, _IMAGE)
_SOUND = Format(FileFormat.SOUND)

_FORMATS = {
    "image/png": Format(FileFormat.PNG, _IMAGE, usable=True),
    "image/apng": Format(FileFormat.PNG, _IMAGE, usable=True),
    "image/jpeg": JPEG,
    "image/webp": Format(FileFormat.WEBP, _IMAGE, usable=True),
    "image/gif": Format(FileFormat.GIF, (Kind.IMAGE, Kind.VIDEO)),
    "image/bmp": Format(FileFormat.BMP, _IMAGE),
    "image/tiff": Format(FileFormat.TIFF, _IMAGE),
    "image/x-icon": Format(FileFormat.ICO, _IMAGE),
    "image/vnd.adobe.photoshop": Format(FileFormat.PHOTOSHOP, _IMAGE),
    "video/webm": Format(FileFormat.WEBM, _VIDEO),
    "video/x-matroska": Format(FileFormat.MKV, _VIDEO),
    "video/x-msvideo": Format(FileFormat.AVI, _VIDEO),
    "video/x-ms-wmv": Format(FileFormat.WMV, _VIDEO),
    "video/mpeg": Format(FileFormat.MPEG, _VIDEO),
    "video/x-flv": Format(FileFormat.FLV, _VIDEO),
    "application/pdf": Format(FileFormat.PDF),
    "application/zip": Format(FileFormat.ZIP),
}

# Major brands of the `ftyp` box that are no MP4. Any other brand is taken as MP4, there are dozens.
_BRANDS = {
    b"qt  ": _MOV,
    b"crx ": Format(FileFormat.RAW, _IMAGE),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A "), _SOUND),
}
_BRANDS_END = 4096  # bytes; a box of brands is far smaller, but may claim to be the whole file
_FIRST_BOXES_WITHOUT_FTYP = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # older QuickTime


def detect(data: bytes) -> Format | None:
    """Return what these bytes are, or None if that is not known."""
    if data[4:8] == b"ftyp":
        return _brand_format(data)
    if data[4:8] in _FIRST_BOXES_WITHOUT_FTYP:
        return _MOV
    mime = _mime(data)
    return _text_format(data) if mime is None else _FORMATS.get(mime) or _other_format(mime)


def _other_format(mime: str) -> Format:
    family = mime.partition("/")[0]
    if family == "audio":
        return _SOUND
    if family == "image":
        return Format(FileFormat.OTHER_IMAGE, _IMAGE, mime=mime)
    if family == "video":
        return Format(FileFormat.OTHER_VIDEO, _VIDEO, mime=mime)
    return Format(FileFormat.OTHER, mime=mime)


def _brand_format(data: bytes) -> Format:
    major = data[8:12]
    if major.startswith((b"3gp", b"3g2")):
        return Format(FileFormat.THREE_GP, _VIDEO)
    # Still pictures of both kinds may lead with the common brand and tell themselves apart by the others.
    end = min(int.from_bytes(data[:4], "big"), _BRANDS_END)
    if major in {b"mif1", b"msf1"} and re.search(b"avi[fs]", data[16:end]):
        return _AVIF
    return _BRANDS.get(major, _MP4)


def _mime(data: bytes) -> str | None:
    try:
        mime: str | None = filetype.guess_mime(data)
    except (IndexError, ValueError, struct.error):  # a header of some format that ends too early
        return None
    return mime


def _text_format(data: bytes) -> Format | None:
    try:
        text = codecs.utf_8_decode(data[:1024], "strict", False)[0].removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None
    if not text or not all(character.isprintable() or character.isspace() for character in text):
        return None
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return Format(FileFormat.WEB_PAGE)
    if start.startswith(("<svg", "<?xml")) and "<svg" in start:
        return Format(FileFormat.SVG, _IMAGE)
    return Format(FileFormat.TEXT)

"""What a file is, told by its bytes."""

from __future__ import annotations

import codecs
import re
import struct
from dataclasses import dataclass

import filetype

from bot.models.requests import Kind

NEEDED = {Kind.IMAGE: "PNG, JPEG or WebP", Kind.VIDEO: "MP4 or MOV"}
ANY_NEEDED = "PNG, JPEG, WebP, MP4 or MOV"


@dataclass(frozen=True, slots=True)
class Format:
    """What the bytes of a file say that it is."""

    phrase: str
    kinds: tuple[Kind, ...] = ()  # what it could be saved as
    usable: bool = False


_PICTURE, _CLIP = (Kind.IMAGE,), (Kind.VIDEO,)
JPEG = Format("a JPEG picture", _PICTURE, usable=True)
_MP4 = Format("an MP4 clip", _CLIP, usable=True)
_MOV = Format("a MOV clip", _CLIP, usable=True)
_HEIC = Format("a HEIC picture", _PICTURE)
_AVIF = Format("an AVIF picture", _PICTURE)
_SOUND = Format("a sound file")

_FORMATS = {
    "image/png": Format("a PNG picture", _PICTURE, usable=True),
    "image/apng": Format("a PNG picture", _PICTURE, usable=True),
    "image/jpeg": JPEG,
    "image/webp": Format("a WebP picture", _PICTURE, usable=True),
    "image/gif": Format("a GIF picture", (Kind.IMAGE, Kind.VIDEO)),
    "image/bmp": Format("a BMP picture", _PICTURE),
    "image/tiff": Format("a TIFF picture", _PICTURE),
    "image/x-icon": Format("an ICO picture", _PICTURE),
    "image/vnd.adobe.photoshop": Format("a Photoshop picture", _PICTURE),
    "video/webm": Format("a WebM clip", _CLIP),
    "video/x-matroska": Format("an MKV clip", _CLIP),
    "video/x-msvideo": Format("an AVI clip", _CLIP),
    "video/x-ms-wmv": Format("a WMV clip", _CLIP),
    "video/mpeg": Format("an MPEG clip", _CLIP),
    "video/x-flv": Format("an FLV clip", _CLIP),
    "application/pdf": Format("a PDF document"),
    "application/zip": Format("a ZIP archive"),
}

# Major brands of the `ftyp` box that are no MP4. Any other brand is taken as MP4, there are dozens.
_BRANDS = {
    b"qt  ": _MOV,
    b"crx ": Format("a raw camera picture", _PICTURE),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1"), _HEIC),
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A "), _SOUND),
}
_BRANDS_END = 4096  # bytes; a box of brands is far smaller, but may claim to be the whole file
_FIRST_BOXES_WITHOUT_FTYP = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # older QuickTime


def detect(data: bytes) -> Format | None:
    """Return what these bytes are, if that can be told."""
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
    if family in {"image", "video"}:
        noun = "picture" if family == "image" else "clip"
        return Format(f"a {noun} of type {mime}", (Kind(family),))
    return Format(f"a file of type {mime}")


def _brand_format(data: bytes) -> Format:
    major = data[8:12]
    if major.startswith((b"3gp", b"3g2")):
        return Format("a 3GP clip", _CLIP)
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
        return Format("a web page")
    if start.startswith(("<svg", "<?xml")) and "<svg" in start:
        return Format("an SVG drawing", _PICTURE)
    return Format("a text file")

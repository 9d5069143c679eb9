"""Formats: told by the bytes alone."""

from __future__ import annotations

import pytest

from bot.media.inspection.formats import detect
from bot.models.catalog import Kind
from bot.models.problems import FileFormat
from tests.unit.media.files import clip, picture

USABLE = {
    FileFormat.PNG: Kind.IMAGE,
    FileFormat.JPEG: Kind.IMAGE,
    FileFormat.WEBP: Kind.IMAGE,
    FileFormat.MP4: Kind.VIDEO,
    FileFormat.MOV: Kind.VIDEO,
}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (picture("PNG"), FileFormat.PNG),
        (picture("JPEG"), FileFormat.JPEG),
        (picture("WEBP"), FileFormat.WEBP),
        (picture("GIF"), FileFormat.GIF),
        (clip("mp4"), FileFormat.MP4),
        (clip("mov"), FileFormat.MOV),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", FileFormat.MOV),
        (b"\0\0\0\x18ftypcrx \0\0\0\0crx isom", FileFormat.RAW),
        (b"\0\0\0\x08wide", FileFormat.MOV),
        (b"\0\0\0\x18ftyp3g2a\0\0\0\0", FileFormat.THREE_GP),
        (b"8BPS" + bytes(40), FileFormat.PHOTOSHOP),
        (b"\0\0\1\0" + bytes(40), FileFormat.ICO),
        (b"FLV\1" + bytes(40), FileFormat.FLV),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9" + bytes(40), FileFormat.WMV),
        (b"\0\0\1\xba" + bytes(40), FileFormat.MPEG),
        (picture("BMP"), FileFormat.BMP),
        (picture("TIFF"), FileFormat.TIFF),
        (picture("AVIF"), FileFormat.AVIF),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", FileFormat.HEIC),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", FileFormat.HEIC),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", FileFormat.AVIF),
        (b"gimp xcf v011", FileFormat.OTHER_IMAGE),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', FileFormat.SVG),
        (clip("webm", codec="libvpx"), FileFormat.WEBM),
        (clip("mkv"), FileFormat.MKV),
        (clip("avi"), FileFormat.AVI),
        (clip("3gp"), FileFormat.THREE_GP),
        (b"\0\0\0\x18ftypM4A \0\0\0\0isomM4A ", FileFormat.SOUND),
        (b"ID3\x04" + bytes(20), FileFormat.SOUND),
        (b"%PDF-1.7 ", FileFormat.PDF),
        (b"PK\x03\x04" + bytes(40), FileFormat.ZIP),
        (b"\x1f\x8b\x08" + bytes(40), FileFormat.OTHER),
        (b"\n<!DOCTYPE html><html>", FileFormat.WEB_PAGE),
        ("Grüße an alle\n".encode(), FileFormat.TEXT),
        ("ü".encode() * 700, FileFormat.TEXT),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, found: FileFormat) -> None:
    told = detect(data)
    assert told is not None
    assert told.name is found
    assert told.usable is (found in USABLE)
    if told.usable:
        assert told.kinds == (USABLE[found],)


@pytest.mark.parametrize(
    ("data", "found", "mime", "kinds"),
    [
        (b"gimp xcf v011", FileFormat.OTHER_IMAGE, "image/x-xcf", (Kind.IMAGE,)),
        (b"\x1f\x8b\x08" + bytes(40), FileFormat.OTHER, "application/gzip", ()),
    ],
)
def test_a_format_without_a_name_has_its_type(
    data: bytes, found: FileFormat, mime: str, kinds: tuple[Kind, ...]
) -> None:
    told = detect(data)
    assert told is not None
    assert (told.name, told.mime, told.kinds, told.usable) == (found, mime, kinds, False)


def test_a_gif_could_become_either() -> None:
    told = detect(picture("GIF"))
    assert told is not None
    assert told.kinds == (Kind.IMAGE, Kind.VIDEO)


@pytest.mark.parametrize("brand", [b"M4V ", b"avc1", b"mp42", b"iso6", b"????"])
def test_every_brand_of_mp4_is_taken(brand: bytes) -> None:
    told = detect(clip("mp4").replace(b"ftypisom", b"ftyp" + brand, 1))
    assert told is not None
    assert told.name is FileFormat.MP4


@pytest.mark.parametrize(
    "data", [b"\x00\xfe\x01\xfd" * 8, b"", b"\xff" * 40, b"text with a bell \x07", b"\xef\xbb\xbf"]
)
def test_unknown_bytes_are_called_nothing(data: bytes) -> None:
    assert detect(data) is None


@pytest.mark.parametrize("length", range(0, 64))
def test_a_header_may_end_anywhere(length: int) -> None:
    for whole in (clip("mp4"), clip("mkv"), clip("avi"), picture("PNG"), picture("TIFF"), picture("AVIF")):
        detect(whole[:length])

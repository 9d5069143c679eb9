"""Containers: walked without decoding, and never for long."""

from __future__ import annotations

import struct

import pytest

from bot.media.inspection.containers import (
    BOXES_MAX,
    JPEG_HEADER_MAX,
    PARTS_MAX,
    count_parts,
    has_impossible_table,
    top_boxes,
)
from fakes.media import box
from tests.unit.media.files import chunk, clip, picture


def test_a_table_may_have_room_to_spare_and_one_size_needs_no_table() -> None:
    data = bytearray(clip("mp4"))
    sizes = data.index(b"stsz") + 8
    data[sizes : sizes + 4] = (1).to_bytes(4, "big")
    count = data.index(b"stts") + 8
    data[count : count + 4] = bytes(4)
    assert not has_impossible_table(bytes(data))


def test_boxes_without_end_are_walked_only_so_far() -> None:
    nested = b"".join(struct.pack(">I4s", size, b"trak") for size in range(8 * 50_000, 0, -8))
    assert not has_impossible_table(struct.pack(">I4s", 8 + len(nested), b"moov") + nested)
    flat = struct.pack(">I4s", 8, b"free") * 50_000
    assert not has_impossible_table(flat)
    assert len(list(top_boxes(flat))) == BOXES_MAX


@pytest.mark.parametrize(
    ("kind", "entry_bytes"),
    [(b"stts", 8), (b"ctts", 8), (b"stsc", 12), (b"stss", 4), (b"stco", 4), (b"co64", 8), (b"elst", 12)],
)
@pytest.mark.parametrize(("entries", "impossible"), [(0, False), (3, False), (4, True), (2**32 - 1, True)])
def test_a_table_holds_no_more_entries_than_fit(
    kind: bytes, entry_bytes: int, entries: int, impossible: bool
) -> None:
    table = box(kind, struct.pack(">II", 0, entries) + bytes(3 * entry_bytes))
    assert has_impossible_table(box(b"moov", box(b"trak", table))) is impossible


@pytest.mark.parametrize(
    ("size", "entries", "impossible"), [(0, 3, False), (0, 4, True), (9, 4, False), (9, 2**32 - 1, False)]
)
def test_sizes_need_a_table_only_where_they_differ(size: int, entries: int, impossible: bool) -> None:
    table = box(b"stsz", struct.pack(">III", 0, size, entries) + bytes(12))
    assert has_impossible_table(box(b"moov", table)) is impossible


def test_a_table_outside_its_parents_is_looked_at_too_and_unknown_boxes_are_not_entered() -> None:
    table = box(b"stts", struct.pack(">II", 0, 9))
    assert has_impossible_table(table)
    assert not has_impossible_table(box(b"xxxx", table))


def test_top_boxes_end_where_they_say() -> None:
    data = box(b"ftyp", b"isom") + box(b"mdat", bytes(10)) + box(b"note", b"") + box(b"moov", b"")
    assert list(top_boxes(data)) == [(b"ftyp", 12), (b"mdat", 30)]


def test_a_box_of_64_bits_and_one_that_reaches_to_the_end() -> None:
    long = struct.pack(">I4sQ", 1, b"mdat", 20) + bytes(4)
    assert list(top_boxes(long + struct.pack(">I4s", 0, b"moov") + bytes(7))) == [
        (b"mdat", 20),
        (b"moov", 35),
    ]
    assert list(top_boxes(struct.pack(">I4sQ", 1, b"mdat", 15))) == []  # smaller than its own header
    assert list(top_boxes(struct.pack(">I4s", 7, b"mdat"))) == []


def test_parts_of_pictures_are_counted() -> None:
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", bytes(13)) + chunk(b"IDAT", b"x") + chunk(b"IEND", b"")
    assert count_parts(png) == 3
    # Two segments, a bare marker, and the scan at which the pixels begin.
    jpeg = b"\xff\xd8" + b"\xff\xe0\0\4ab" + b"\xff\xfe\0\2" + b"\xff\xd0" + b"\xff\xda" + b"\xff\xfe\0\2" * 9
    assert count_parts(jpeg) == 4
    assert count_parts(picture("WEBP")) == 1


@pytest.mark.parametrize(("many", "counted"), [(PARTS_MAX, PARTS_MAX), (PARTS_MAX * 3, PARTS_MAX + 1)])
def test_counting_parts_ends_just_beyond_the_limit(many: int, counted: int) -> None:
    assert count_parts(b"\x89PNG\r\n\x1a\n" + chunk(b"tEXt", b"") * many) == counted
    assert count_parts(b"\xff\xd8" + b"\xff\xfe\0\2" * many) == counted


def test_a_header_of_a_jpeg_has_a_limit_in_bytes() -> None:
    segment = b"\xff\xe1\xff\xff" + bytes(65_533)
    many = JPEG_HEADER_MAX // len(segment)
    assert count_parts(b"\xff\xd8" + segment * many + b"\xff\xd9") == many + 1
    assert count_parts(b"\xff\xd8" + segment * (many + 2) + b"\xff\xd9") == PARTS_MAX + 1

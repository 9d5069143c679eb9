"""How files are built up, walked in plain Python without decoding: the boxes of clips, the parts of pictures.

A file of a few bytes can keep a decoder busy for minutes with counts that it makes up, or with millions of
tiny parts. What is found here is refused before any decoder sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

BOXES_MAX = 10_000  # fragments of an hour of video are fewer; walking so many takes about 10 ms
PARTS_MAX = 20_000  # a PNG of 50 MiB in pieces of 4 KiB has fewer; Pillow takes about 1 µs for each
JPEG_HEADER_MAX = 16 * 1024 * 1024  # bytes; depth maps of phones take 5, Pillow joins such segments slowly

_TOP_BOXES = frozenset(
    b"ftyp moov mdat moof mfra sidx styp emsg prft ssix free skip wide pnot PICT meta uuid udta pdin".split()
)
_PARENTS = frozenset(b"moov trak edts mdia minf stbl".split())
# Bytes an entry takes at least, in tables that begin with version, flags and the number of entries.
_ENTRY_BYTES = {
    b"stts": 8,
    b"ctts": 8,
    b"stsc": 12,
    b"stss": 4,
    b"stco": 4,
    b"co64": 8,
    b"elst": 12,
}

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_SCAN, _JPEG_END = 0xDA, 0xD9


def top_boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the type and the end of each top-level box (ISO/IEC 14496-12), up to the first unknown one."""
    for count, (kind, _, end) in enumerate(_boxes(data, 0, len(data)), start=1):
        if kind not in _TOP_BOXES or count > BOXES_MAX:  # some cameras and phones append notes of their own
            return
        yield kind, end


def has_impossible_table(data: bytes) -> bool:
    """Return whether a table of a clip claims more entries than fit into its box."""
    walked, ranges = 0, [(0, len(data))]
    while ranges:
        for kind, start, end in _boxes(data, *ranges.pop()):
            walked += 1
            if walked > BOXES_MAX:
                return False
            if kind in _PARENTS:
                ranges.append((start, min(end, len(data))))
            elif _is_impossible(kind, data[start : start + 12], end - start):
                return True
    return False


def count_parts(data: bytes) -> int:
    """Return in how many parts a picture's decoder comes to its pixels, at most one more than PARTS_MAX."""
    if data.startswith(_PNG_SIGNATURE):
        return _count_png_chunks(data)
    return _count_jpeg_segments(data) if data.startswith(b"\xff\xd8") else 1


def _boxes(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type, the start of the content and the end of each box; the end may lie outside."""
    while start < stop:
        size, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        header = 8
        if size == 1:  # the size follows as 64 bits
            header, size = 16, int.from_bytes(data[start + 8 : start + 16], "big")
        elif size == 0:  # reaches to the end
            size = stop - start
        if size < header:
            return
        yield kind, start + header, start + size
        start += size


def _is_impossible(kind: bytes, beginning: bytes, length: int) -> bool:
    if kind == b"stsz":  # its count comes after a size, and only without that does a table follow
        size, entries = int.from_bytes(beginning[4:8], "big"), int.from_bytes(beginning[8:12], "big")
        return size == 0 and entries * 4 > max(0, length - 12)
    entries = int.from_bytes(beginning[4:8], "big")
    return kind in _ENTRY_BYTES and entries * _ENTRY_BYTES[kind] > max(0, length - 8)


def _count_png_chunks(data: bytes) -> int:
    start, count = len(_PNG_SIGNATURE), 0
    while start < len(data) and count <= PARTS_MAX:
        start += 12 + int.from_bytes(data[start : start + 4], "big")
        count += 1
    return count


def _count_jpeg_segments(data: bytes) -> int:
    """Count what comes before the first scan; Pillow also reads padding and junk byte by byte."""
    at, count = 2, 0
    while at + 1 < len(data) and count <= PARTS_MAX:
        if at > JPEG_HEADER_MAX:
            return PARTS_MAX + 1
        count += 1
        marker = data[at + 1]
        if data[at] != 0xFF or marker in {0x00, 0xFF}:
            at += 1
        elif marker in {_JPEG_SCAN, _JPEG_END}:
            break
        elif marker in _JPEG_STANDALONE:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return count

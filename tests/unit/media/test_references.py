"""References: real files made here, whole, cut, renamed and hostile."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.clock import SystemClock
from bot.media.containers import BOXES_MAX, has_impossible_table, top_boxes
from bot.media.filenames import NAME_MAX, display_name
from bot.media.images import MEGAPIXELS_MAX
from bot.media.inspector import Inspector, NotNow
from bot.media.unreadable import Unreadable
from bot.models.requests import IMAGE_BYTES_MAX, Kind, Reference

URL = "https://cdn.example/file"
FASTSTART = (("movflags", "+faststart"),)
FRAGMENTED = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)


@cache
def picture(
    format_name: str, width: int = 160, height: int = 130, orientation: int = 1, frames: int = 1
) -> bytes:
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = orientation
    more = [image.rotate(90 * turn) for turn in range(1, frames)]
    file = BytesIO()
    extra = {"save_all": True, "append_images": more} if more else {}
    image.save(file, format_name, **({"exif": exif} if orientation > 1 else {}), **extra)
    return file.getvalue()


@cache
def clip(
    suffix: str, options: tuple[tuple[str, str], ...] = (), *, sound_only: bool = False, codec: str = "mpeg4"
) -> bytes:
    """Return a clip of 12 frames in one second, 192x144 pixels."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{suffix}"
        with av.open(str(path), "w", options=dict(options)) as container:
            if sound_only:
                _add_sound(container)
            else:
                _add_frames(container, codec)
        return path.read_bytes()


def _add_frames(container: av.container.OutputContainer, codec: str) -> None:
    stream = container.add_stream(codec, rate=12)
    assert isinstance(stream, av.VideoStream)
    stream.width, stream.height, stream.pix_fmt = 192, 144, "yuv420p"
    for shade in range(12):
        frame = av.VideoFrame(192, 144, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([shade * 20]) * plane.buffer_size)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _add_sound(container: av.container.OutputContainer) -> None:
    stream = container.add_stream("aac", rate=44_100)
    assert isinstance(stream, av.AudioStream)
    frame = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
    frame.sample_rate = 44_100
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    container.mux(stream.encode(frame))
    container.mux(stream.encode())


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_claiming(width: int, height: int) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@cache
def runner() -> asyncio.Runner:
    """Return one loop for all files: hypothesis and long loops look at thousands."""
    return asyncio.Runner()


@cache
def inspector() -> Inspector:
    return Inspector(SystemClock())


def probe(name: str, url: str, data: bytes, expected: Kind | None) -> Reference:
    """Return what the bot finds in a file. Raises Unreadable, and NotNow where it took too long."""
    return runner().run(inspector().clip(1, name, url, data, expected))


def refusal(data: bytes, expected: Kind, name: str = "file.bin") -> str:
    with pytest.raises(Unreadable) as caught:
        probe(name, URL, data, expected)
    assert str(caught.value) == caught.value.sentence
    assert f"**{display_name(name)}**" in caught.value.sentence
    return caught.value.sentence


def answers(data: bytes, expected: Kind) -> bool:
    """Return whether the bytes make a Reference; any other exception than Unreadable fails the test."""
    try:
        reference = probe("file.bin", URL, data, expected)
    except (Unreadable, NotNow) as error:
        sentence = error.sentence
    else:
        assert min(reference.width, reference.height, reference.size) > 0
        return True
    assert sentence.startswith("**file.bin** ")
    assert sentence.endswith(".")
    return False


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_measured(format_name: str) -> None:
    data = picture(format_name)
    assert probe("cat.png", URL, data, Kind.IMAGE) == Reference(
        Kind.IMAGE, "cat.png", URL, len(data), 160, 130
    )


@pytest.mark.parametrize("format_name", ["PNG", "WEBP"])
def test_a_moving_picture_counts_as_its_first_frame(format_name: str) -> None:
    reference = probe("cat", URL, picture(format_name, frames=3), Kind.IMAGE)
    assert (reference.width, reference.height, reference.seconds) == (160, 130, None)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(("orientation", "size"), [(3, (160, 130)), (6, (130, 160)), (8, (130, 160))])
def test_a_turned_picture_is_measured_as_it_is_shown(
    format_name: str, orientation: int, size: tuple[int, int]
) -> None:
    reference = probe("cat", URL, picture(format_name, orientation=orientation), Kind.IMAGE)
    assert (reference.width, reference.height) == size


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("mp4", ()), ("mp4", FASTSTART), ("mp4", FRAGMENTED), ("mov", ()), ("mov", FASTSTART)],
    ids=["mp4", "mp4 faststart", "mp4 fragmented", "mov", "mov faststart"],
)
def test_a_clip_is_measured(suffix: str, options: tuple[tuple[str, str], ...]) -> None:
    data = clip(suffix, options)
    assert probe("run.mp4", URL, data, Kind.VIDEO) == Reference(
        Kind.VIDEO, "run.mp4", URL, len(data), 192, 144, 1.0
    )


@pytest.mark.parametrize("brand", [b"M4V ", b"avc1", b"mp42", b"iso6", b"????"])
def test_every_brand_of_mp4_is_taken(brand: bytes) -> None:
    assert answers(clip("mp4").replace(b"ftypisom", b"ftyp" + brand, 1), Kind.VIDEO)


def test_an_older_mov_needs_no_brand() -> None:
    data = clip("mov", FASTSTART)
    start = data.index(b"moov") - 4
    assert answers(data[start:], Kind.VIDEO) is True


def test_a_clip_turned_by_its_player_is_measured_as_it_is_shown() -> None:
    data = bytearray(clip("mp4"))
    matrix = data.index(b"tkhd") + 4 + 40
    one, unit = 1 << 16, 1 << 30
    data[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, unit)
    reference = probe("run.mp4", URL, bytes(data), Kind.VIDEO)
    assert (reference.width, reference.height) == (144, 192)


def test_the_bytes_tell_what_a_renamed_file_is() -> None:
    assert "is an MP4 clip" in refusal(clip("mp4"), Kind.IMAGE, "cat.png")
    assert probe("run.png", URL, clip("mp4"), Kind.VIDEO).kind is Kind.VIDEO
    assert probe("cat.mp4", URL, picture("JPEG"), Kind.IMAGE).kind is Kind.IMAGE


def test_the_wrong_option_is_answered_with_the_right_one() -> None:
    assert refusal(clip("mov"), Kind.IMAGE) == (
        "**file.bin** is a MOV clip, but a picture (PNG, JPEG or WebP) is expected here. "
        "Attach it as `video1`."
    )
    assert refusal(picture("PNG"), Kind.VIDEO) == (
        "**file.bin** is a PNG picture, but a clip (MP4 or MOV) is expected here. Attach it as `image1`."
    )
    assert "Save it as MP4 or MOV and attach it as `video1`." in refusal(
        clip("webm", codec="libvpx"), Kind.IMAGE
    )


def test_a_gif_could_become_either() -> None:
    gif = picture("GIF")
    assert refusal(gif, Kind.IMAGE) == (
        "**file.bin** is a GIF picture. PNG, JPEG or WebP is needed: save it as one of these."
    )
    assert refusal(gif, Kind.VIDEO) == (
        "**file.bin** is a GIF picture. MP4 or MOV is needed: save it as one of these."
    )


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (picture("BMP"), "a BMP picture"),
        (picture("TIFF"), "a TIFF picture"),
        (picture("AVIF"), "an AVIF picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "an AVIF picture"),
        (b"gimp xcf v011", "a picture of type image/x-xcf"),
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "an SVG drawing"),
        (clip("webm", codec="libvpx"), "a WebM clip"),
        (clip("mkv"), "an MKV clip"),
        (clip("avi"), "an AVI clip"),
        (clip("3gp"), "a 3GP clip"),
        (b"\0\0\0\x18ftypM4A \0\0\0\0isomM4A ", "a sound file"),
        (b"ID3\x04" + bytes(20), "a sound file"),
        (b"%PDF-1.7 ", "a PDF document"),
        (b"PK\x03\x04" + bytes(40), "a ZIP archive"),
        (b"\x1f\x8b\x08" + bytes(40), "a file of type application/gzip"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        ("Grüße an alle\n".encode(), "a text file"),
        ("ü".encode() * 700, "a text file"),
    ],
)
@pytest.mark.parametrize("expected", Kind)
def test_a_file_of_another_kind_is_named(data: bytes, found: str, expected: Kind) -> None:
    sentence = refusal(data, expected)
    assert sentence.startswith(f"**file.bin** is {found}")
    assert ("MP4 or MOV" if expected is Kind.VIDEO else "PNG, JPEG or WebP") in sentence


def test_unknown_bytes_are_called_nothing() -> None:
    assert refusal(b"\x00\xfe\x01\xfd" * 8, Kind.IMAGE) == (
        "**file.bin** is not a picture or a clip that can be read. Attach a picture as PNG, JPEG or WebP."
    )


@pytest.mark.parametrize("expected", Kind)
def test_an_empty_file_is_told_apart(expected: Kind) -> None:
    assert refusal(b"", expected) == "**file.bin** is empty (0 bytes). Attach it again."


def test_a_file_of_the_right_kind_can_be_too_large() -> None:
    sentence = refusal(picture("PNG") + bytes(IMAGE_BYTES_MAX), Kind.IMAGE)
    assert "has 50.1 MiB, the limit is 50 MiB" in sentence


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_cut_picture_is_refused(format_name: str, part: float) -> None:
    data = picture(format_name)
    sentence = refusal(data[: int(len(data) * part)], Kind.IMAGE)
    assert "broken or cut off" in sentence
    assert "Save it again as PNG, JPEG or WebP" in sentence


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (8001, 8000)])
def test_a_picture_that_would_fill_the_memory_is_refused_unread(width: int, height: int) -> None:
    sentence = refusal(png_claiming(width, height), Kind.IMAGE)
    assert f"is {width}x{height} pixels" in sentence
    assert f"the limit is {MEGAPIXELS_MAX['PNG']}" in sentence
    assert "Make it smaller" in sentence


def test_a_picture_in_endless_passes_is_refused_unread() -> None:
    file = BytesIO()
    Image.linear_gradient("L").save(file, "JPEG", progressive=True)
    whole = file.getvalue()
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    assert answers(whole, Kind.IMAGE)
    sentence = refusal(whole[:-2] + scan * 100 + whole[-2:], Kind.IMAGE)
    assert "is a JPEG picture in 106 passes, the limit is 50" in sentence
    assert "Save it again" in sentence


def jpeg_with(before_its_frame: bytes) -> bytes:
    whole = picture("JPEG")
    return whole[:2] + before_its_frame + whole[2:]


def png_with(chunks: bytes) -> bytes:
    whole = picture("PNG")
    end = whole.index(b"IHDR") + 4 + 13 + 4
    return whole[:end] + chunks + whole[end:]


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(b"\xff" * 1_000_000),
        jpeg_with(b"\xff\xfe\0\2" * 250_000),
        jpeg_with(b"\xff\xd0" * 500_000),
        jpeg_with(b"\xff\0" * 500_000),
        jpeg_with(b"\xff\xfe\0\2" + b"x" * 1_000_000),
        jpeg_with((b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)) * 300),
        png_with(chunk(b"teXt", b"") * 80_000),
        png_with(chunk(b"IDAT", b"") * 80_000),
    ],
    ids=["padding", "comments", "bare markers", "escapes", "junk", "20 MB of Exif", "texts", "empty data"],
)
def test_a_picture_in_endless_parts_is_refused_unread(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no decoder may see this")

    monkeypatch.setattr(Image, "open", refuse)
    sentence = refusal(data, Kind.IMAGE)
    assert "in so many parts that reading it would take too long" in sentence
    assert "Save it again as PNG, JPEG or WebP" in sentence


@pytest.mark.parametrize(
    "data",
    [
        jpeg_with(b"\xff" * 1000),
        jpeg_with((b"\xff\xe1\xff\xfd" + bytes(65_531)) * 80),
        png_with(chunk(b"teXt", b"a\0b") * 1000),
    ],
    ids=["padding", "a depth map of 5 MB", "texts"],
)
def test_a_picture_in_many_parts_is_read(data: bytes) -> None:
    assert answers(data, Kind.IMAGE)


def test_a_picture_of_the_largest_size_is_read() -> None:
    assert "broken or cut off" in refusal(png_claiming(8000, 8000), Kind.IMAGE)


@pytest.mark.parametrize("options", [(), FASTSTART], ids=["index at the end", "index at the start"])
@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_no_beginning_of_a_clip_passes_for_the_whole(
    suffix: str, options: tuple[tuple[str, str], ...]
) -> None:
    data = clip(suffix, options)
    assert not any(answers(data[:length], Kind.VIDEO) for length in range(len(data)))


def test_a_cut_clip_is_refused_with_what_is_missing() -> None:
    indexed_first, indexed_last = clip("mp4", FASTSTART), clip("mp4")
    sentence = refusal(indexed_first[:-100], Kind.VIDEO)
    assert (
        f"is cut off: it has {len(indexed_first) - 100:,} of at least {len(indexed_first):,} bytes"
        in sentence
    )
    assert "whole file" in sentence
    sentence = refusal(indexed_last[: indexed_last.index(b"moov") - 4], Kind.VIDEO)
    assert "is an MP4 clip without its index" in sentence
    assert "Export it again" in sentence


def test_a_clip_may_end_in_notes_of_its_camera() -> None:
    assert answers(clip("mp4") + b"\x7f\xff\xff\xffnote of a camera", Kind.VIDEO)
    assert answers(clip("mp4") + bytes(20), Kind.VIDEO)


def test_a_box_may_reach_to_the_end_or_have_a_long_size() -> None:
    data = bytearray(clip("mp4", FASTSTART))
    start = data.index(b"mdat") - 4
    data[start : start + 4] = bytes(4)
    assert answers(bytes(data), Kind.VIDEO)
    content = clip("mp4", FASTSTART)[start + 8 :]
    data[start:] = struct.pack(">I4sQ", 1, b"mdat", 16 + len(content)) + content
    assert answers(bytes(data), Kind.VIDEO)
    assert "is cut off" in refusal(bytes(data[:-1]), Kind.VIDEO)


def test_a_clip_without_pictures_is_refused() -> None:
    sentence = refusal(clip("mp4", sound_only=True), Kind.VIDEO)
    assert "is an MP4 clip with sound but without a video track" in sentence
    assert "Attach a clip (MP4 or MOV) that shows something." in sentence


def test_a_clip_must_say_how_long_it_lasts() -> None:
    data = bytearray(clip("mp4"))
    for box, offset in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        start = data.index(box) + offset
        data[start : start + 4] = bytes(4)
    table = data.index(b"stts") + 12
    data[table + 4 : table + 8] = bytes(4)
    edits = data.index(b"elst") + 12
    data[edits : edits + 4] = bytes(4)
    assert "does not say how long it lasts" in refusal(bytes(data), Kind.VIDEO)


def test_a_wrong_count_that_takes_gigabytes_ends_with_a_sentence() -> None:
    data = bytearray(clip("mp4"))
    count = data.index(b"elst") + 8
    data[count : count + 4] = b"\xff\xff\xff\xff"
    assert "broken or cut off" in refusal(bytes(data), Kind.VIDEO)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize(("table", "offset"), [(b"stts", 8), (b"stsc", 8), (b"stsz", 12), (b"stco", 8)])
def test_a_table_that_cannot_fit_into_its_box_never_reaches_the_reader(
    suffix: str, table: bytes, offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("no reader may see this")

    data = bytearray(clip(suffix))
    count = data.index(table) + offset
    data[count : count + 4] = (int.from_bytes(data[count : count + 4], "big") + 1).to_bytes(4, "big")
    monkeypatch.setattr(subprocess, "Popen", refuse)
    assert "broken or cut off" in refusal(bytes(data), Kind.VIDEO)


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


@given(st.binary(max_size=300), st.sampled_from(Kind))
def test_any_bytes_are_answered(data: bytes, expected: Kind) -> None:
    answers(data, expected)


@given(st.sampled_from([picture("PNG"), picture("JPEG"), picture("WEBP")]), st.data())
def test_any_damage_to_a_picture_is_answered(whole: bytes, draw: st.DataObject) -> None:
    start = draw.draw(st.integers(0, len(whole)))
    end = draw.draw(st.integers(start, min(start + 40, len(whole))))
    answers(whole[:start] + draw.draw(st.binary(max_size=40)) + whole[end:], Kind.IMAGE)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, len(clip("mp4", FASTSTART))), st.binary(max_size=8))
def test_any_damage_to_the_frames_of_a_clip_is_answered(start: int, noise: bytes) -> None:
    whole = clip("mp4", FASTSTART)
    start = max(start, whole.index(b"mdat") + 4)
    answers(whole[:start] + noise + whole[start + len(noise) :], Kind.VIDEO)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([clip("mp4"), clip("mp4", FASTSTART), clip("mov")]), st.data())
def test_any_damage_to_a_clip_is_answered(whole: bytes, draw: st.DataObject) -> None:
    data = bytearray(whole)
    index = whole.index(b"moov") - 4
    for _ in range(draw.draw(st.integers(1, 3))):
        start = draw.draw(st.integers(index, min(len(whole), index + 1000)))
        noise = draw.draw(st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\1"]))
        data[start : start + len(noise)] = noise
    answers(bytes(data), Kind.VIDEO)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat.png", "cat.png"),
        ("my_nice_cat_2.png", "my_nice_cat_2.png"),
        ("__init__.py", r"\_\_init\_\_.py"),
        ("a_.png", r"a\_.png"),
        ("**bold**`code`~~|x|.png", r"\*\*bold\*\*\`code\`\~\~\|x\|.png"),
        ("[click](now).png", r"\[click](now).png"),
        ("<@123><t:1:R>.png", "\\<@\u200b123>\\<t:1:R>.png"),
        ("@everyone.png", "@\u200beveryone.png"),
        ("icon@2x.png", "icon@\u200b2x.png"),
        ("https://example.com/a.png", "a.png"),
        (r"C:\pictures\a.png", "a.png"),
        ("gnp.\u202eexe\n\x1b.png", "gnp. exe .png"),
        ("Grüße 猫 🐈.png", "Grüße 猫 🐈.png"),
        ("", "file"),
        (" \n/", "file"),
    ],
)
def test_a_shown_name_cannot_format_link_or_ping(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_a_long_name_is_cut_in_the_middle() -> None:
    assert display_name("x" * NAME_MAX) == "x" * NAME_MAX
    shown = display_name("a" * 100 + "holiday.jpeg")
    assert len(shown) == NAME_MAX
    assert shown.startswith("aaaaaaaaaaaaaaaaaaaa…a")
    assert shown.endswith("holiday.jpeg")


def test_a_reference_bears_the_shown_name() -> None:
    assert probe(display_name("*cat*.png"), URL, picture("PNG"), Kind.IMAGE).name == r"\*cat\*.png"

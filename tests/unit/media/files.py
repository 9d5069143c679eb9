"""Real files made for tests, and what the bot finds in them."""

from __future__ import annotations

import asyncio
import struct
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from PIL import Image

from bot.clock import SystemClock
from bot.media.inspection.inspector import Inspector, NotNow
from bot.media.inspection.unreadable import Unreadable
from bot.models.catalog import Kind
from bot.models.problems import Problem
from bot.models.requests import Reference
from bot.ui.texts.problems import problem_text

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


def probe(name: str, data: bytes, expected: Kind | None) -> Reference:
    """Return what the bot finds in a file. Raises Unreadable, and NotNow where it took too long."""
    return runner().run(inspector().clip(1, name, URL, data, expected))


def refusal(data: bytes, expected: Kind | None) -> Problem:
    """Return why a file named `file.bin` is refused."""
    with pytest.raises(Unreadable) as caught:
        probe("file.bin", data, expected)
    assert_has_a_sentence(caught.value.problem)
    return caught.value.problem


def answers(data: bytes, expected: Kind) -> bool:
    """Return whether the bytes make a Reference; any other exception than Unreadable fails the test."""
    try:
        reference = probe("file.bin", data, expected)
    except (Unreadable, NotNow) as error:
        assert_has_a_sentence(error.problem)
        return False
    assert min(reference.width, reference.height, reference.size) > 0
    return True


def assert_has_a_sentence(problem: Problem) -> None:
    sentence = problem_text(problem)
    assert problem.values["name"] == "file.bin"
    assert "**file.bin**" in sentence
    assert sentence.endswith(".")


def children(pid: int | str = "self") -> set[int]:
    """Return the processes that one has started and not yet reaped."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return {int(child) for children in lists for child in children.read_text().split()}

"""Small real pictures and clips for tests."""

from __future__ import annotations

import functools
import io
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import av
from PIL import Image


@functools.cache
def picture(width: int = 320, height: int = 240, kind: str = "PNG") -> bytes:
    """Return a picture."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


@functools.cache
def clip(seconds: float = 1.0, width: int = 160, height: int = 160, suffix: str = ".mp4") -> bytes:
    """Return a clip with ten frames a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip{suffix}"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            for shade in range(round(seconds * 10)):
                image = Image.new("RGB", (width, height), (shade % 256, 80, 120))
                frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path.read_bytes()


@functools.cache
def endless_clip() -> bytes:
    """Return a clip of 2 KB that keeps its reader busy for minutes.

    A table claims four thousand million entries; the index with it is compressed, so only the reader sees it.
    """
    whole = clip()
    start = whole.index(b"moov") - 4
    index = bytearray(whole[start:])
    count = index.index(b"stts") + 8
    index[count : count + 4] = b"\xff" * 4
    packed = struct.pack(">I", len(index)) + zlib.compress(index)
    return whole[:start] + box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", packed)))


def box(kind: bytes, content: bytes) -> bytes:
    """Return a box of a clip."""
    return struct.pack(">I4s", len(content) + 8, kind) + content


def render_quickly(
    images: Sequence[bytes], videos: Sequence[bytes], duration: int, seed: int, target: Path
) -> None:
    """Stand in for the renderer where a test does not look at the video: one clip for all."""
    target.write_bytes(clip(1.0))

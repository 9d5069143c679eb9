"""Make a playable mp4 out of pictures and clips: pan and zoom, one reference after the other, crossfaded."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageOps

# As large as the demo's page shows a video. The page encodes each of them again, into VP9: for 4 seconds of
# 640x360 with 24 frames a second it needed 4 seconds, for these less than 2.
WIDTH, HEIGHT, RATE = 480, 270, 15
# What reading a broken reference can raise.
UNREADABLE = (OSError, ValueError, av.FFmpegError, Image.DecompressionBombError)
FADE = 0.4  # seconds
ZOOM = 1.25  # how far a picture is larger than the frame that wanders over it
_LARGER = (round(WIDTH * ZOOM), round(HEIGHT * ZOOM))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is seen during one share of the time."""

    frames: Iterator[Image.Image]  # one for each frame of the video that shows the scene
    start: tuple[float, float]
    end: tuple[float, float]
    inwards: bool

    def next_frame(self, share: float) -> Image.Image:
        """Return the next frame, at this share (0 to 1) of the scene."""
        picture = next(self.frames)
        grown = 1.0 + (ZOOM - 1.0) * (share if self.inwards else 1.0 - share)
        width, height = picture.width / grown, picture.height / grown
        x = (self.start[0] + (self.end[0] - self.start[0]) * share) * (picture.width - width)
        y = (self.start[1] + (self.end[1] - self.start[1]) * share) * (picture.height - height)
        box = (x, y, x + width, y + height)
        return picture.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=box)


def render(images: Sequence[bytes], videos: Sequence[bytes], duration: int, seed: int, target: Path) -> None:
    """Write an mp4 of exactly that many seconds; the seed decides how the view wanders.

    Raises one of UNREADABLE when a reference cannot be read.
    """
    chance = random.Random(seed)  # noqa: S311 - a film, not a secret
    stills = [itertools.repeat(_fill(_open(image))) for image in images]
    shown = [*stills, *map(_clip, videos)]
    scenes = [_Scene(frames, _corner(chance), _corner(chance), chance.random() < 0.5) for frames in shown]
    total = duration * RATE
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(total):
            frame = av.VideoFrame.from_image(_frame(scenes, index, total))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frame(scenes: Sequence[_Scene], index: int, total: int) -> Image.Image:
    """Return one frame of the video; asked for in order, since clips play on with every one."""
    length = total / len(scenes)
    number = min(int(index / length), len(scenes) - 1)
    share = index / length - number
    frame = scenes[number].next_frame(share)
    fade = min(FADE * RATE / length, 0.5)
    if share > 1 - fade and number + 1 < len(scenes):
        following = scenes[number + 1].next_frame(0.0)
        frame = Image.blend(frame, following, (share - (1 - fade)) / fade)
    return frame


def _corner(chance: random.Random) -> tuple[float, float]:
    return chance.random(), chance.random()


def _open(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    background = Image.new("RGBA", upright.size, (24, 26, 32, 255))
    return Image.alpha_composite(background, upright).convert("RGB")


def _fill(picture: Image.Image) -> Image.Image:
    return ImageOps.fit(picture, _LARGER, Image.Resampling.LANCZOS)


def _clip(data: bytes) -> Iterator[Image.Image]:
    """Yield a clip's frames at the video's rate, from the beginning again when it is over.

    Raises ValueError when nothing of it can be read.
    """
    shown = 0
    while True:
        begun = shown
        for frame, until in _decoded(data):
            times = begun + round(until * RATE) - shown
            if times > 0:
                shown += times
                yield from itertools.repeat(_small(frame), times)
        if shown == begun:
            raise ValueError("the clip has no frames")


def _decoded(data: bytes) -> Iterator[tuple[av.VideoFrame, float]]:
    """Yield each frame of a clip and the second at which it ends."""
    with av.open(io.BytesIO(data), "r") as container:
        if not container.streams.video:
            return
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        length = 1 / float(stream.average_rate or RATE)
        first: float | None = None
        for frame in container.decode(stream):
            start = frame.time or 0.0
            first = start if first is None else first
            yield frame, start - first + length


def _small(frame: av.VideoFrame) -> Image.Image:
    """Return a frame upright and no larger than needed: whole frames of a large clip would be slow."""
    shrunk = min(1.0, max(_LARGER[0] / frame.width, _LARGER[1] / frame.height))
    width, height = round(frame.width * shrunk), round(frame.height * shrunk)
    small = frame.reformat(width, height, interpolation="FAST_BILINEAR")
    picture: Image.Image = small.to_image()  # type: ignore[no-untyped-call]
    upright = picture.rotate(frame.rotation, expand=True) if frame.rotation else picture
    return ImageOps.fit(upright, _LARGER, Image.Resampling.BILINEAR)

"""Make a playable mp4 out of pictures and clips: pan and zoom, one reference after the other, crossfaded."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
from PIL import Image, ImageOps

WIDTH, HEIGHT, RATE = 640, 360, 24
FADE = 0.4  # seconds
ZOOM = 1.25  # how far a picture is larger than the frame that wanders over it
FRAMES_MAX = 240  # of a clip; ten seconds are the longest video


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is seen during one share of the time."""

    frames: list[Image.Image]
    start: tuple[float, float]
    end: tuple[float, float]

    def at(self, share: float, index: int) -> Image.Image:
        """Return the frame at this share (0 to 1) of the scene."""
        picture = self.frames[index % len(self.frames)]
        grown = 1.0 + (ZOOM - 1.0) * share
        width, height = picture.width / grown, picture.height / grown
        x = (self.start[0] + (self.end[0] - self.start[0]) * share) * (picture.width - width)
        y = (self.start[1] + (self.end[1] - self.start[1]) * share) * (picture.height - height)
        box = (x, y, x + width, y + height)
        return picture.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=box)


def render(images: Sequence[bytes], videos: Sequence[bytes], duration: int, seed: int, target: Path) -> None:
    """Write an mp4 of exactly that many seconds; the seed decides how the view wanders."""
    chance = random.Random(seed)  # noqa: S311 - a film, not a secret
    loaded = [[_fill(_open(image))] for image in images] + [_clip(video) for video in videos]
    scenes = [_Scene(frames, _corner(chance), _corner(chance)) for frames in loaded]
    total = duration * RATE
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "26"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(total):
            frame = av.VideoFrame.from_image(_frame(scenes, index, total))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frame(scenes: Sequence[_Scene], index: int, total: int) -> Image.Image:
    length = total / len(scenes)
    number = min(int(index / length), len(scenes) - 1)
    share = index / length - number
    frame = scenes[number].at(share, index)
    fade = min(FADE * RATE / length, 0.5)
    if share > 1 - fade and number + 1 < len(scenes):
        following = scenes[number + 1].at(0.0, index)
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
    return ImageOps.fit(picture, (round(WIDTH * ZOOM), round(HEIGHT * ZOOM)), Image.Resampling.LANCZOS)


def _clip(data: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(data), "r") as container:
        frames = []
        for frame in container.decode(video=0):
            frames.append(_fill(frame.to_image()))  # type: ignore[no-untyped-call]
            if len(frames) == FRAMES_MAX:
                break
    return frames

"""The demo's renderer makes videos that play, out of what it is given."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest
from PIL import Image

from fakes.gmi.render import HEIGHT, RATE, WIDTH, render

CENTER = WIDTH // 2
SAMPLES = Path(__file__).parents[3] / "demo" / "samples"


def frames_of(video: Path, seconds: float) -> list[Image.Image]:
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (WIDTH, HEIGHT)
        assert (container.duration or 0) / av.time_base == pytest.approx(seconds, abs=0.01)
        return [frame.to_image() for frame in container.decode(stream)]  # type: ignore[no-untyped-call]


def test_a_video_is_rendered_from_its_references(tmp_path: Path) -> None:
    images = [(SAMPLES / name).read_bytes() for name in ("fox.png", "boat.webp")]
    videos = [(SAMPLES / "waves.mp4").read_bytes()]
    paths = [tmp_path / f"{number}.mp4" for number in range(3)]
    for path, seed in zip(paths, (7, 7, 8), strict=True):
        render(images, videos, 1, seed, path)
    frames = frames_of(paths[0], 1)
    assert len(frames) == RATE
    assert len({frame.tobytes() for frame in frames}) == RATE
    assert paths[0].read_bytes() == paths[1].read_bytes() != paths[2].read_bytes()
    content = paths[0].read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays while it is loaded"


def test_a_picture_is_shown_upright_and_on_a_dark_ground(tmp_path: Path) -> None:
    turned = Image.new("RGB", (320, 320), "red")
    turned.paste("blue", (0, 0, 160, 320))
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn a quarter clockwise, the left side comes to the top
    sideways, clear = io.BytesIO(), io.BytesIO()
    turned.save(sideways, "JPEG", exif=exif)
    Image.new("RGBA", (320, 320), (255, 255, 255, 0)).save(clear, "PNG")
    render([sideways.getvalue(), clear.getvalue()], [], 2, 1, tmp_path / "video.mp4")
    frames = frames_of(tmp_path / "video.mp4", 2)
    top, bottom = frames[5].getpixel((CENTER, 20)), frames[5].getpixel((CENTER, HEIGHT - 20))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[2] > 200 > top[0]
    assert bottom[0] > 200 > bottom[2]
    dark = frames[-1].getpixel((CENTER, HEIGHT // 2))
    assert isinstance(dark, tuple)
    assert max(dark) < 60


def test_a_short_clip_is_shown_again(tmp_path: Path) -> None:
    clip = io.BytesIO()
    with av.open(clip, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for shade in (0, 80, 160, 240):
            image = Image.new("RGB", (320, 180), (shade, shade, shade))
            container.mux(stream.encode(av.VideoFrame.from_image(image)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode(None))
    render([], [clip.getvalue()], 2, 1, tmp_path / "video.mp4")
    frames = frames_of(tmp_path / "video.mp4", 2)
    shades = [frame.convert("L").getpixel((CENTER, HEIGHT // 2)) for frame in frames]
    # In the middle of each tenth of a second: the clip, which lasts four, and then from its beginning.
    tenths = range(2 * 10)
    expected = [(0, 80, 160, 240)[tenth % 4] for tenth in tenths]
    assert [shades[int((tenth + 0.5) / 10 * RATE)] for tenth in tenths] == pytest.approx(expected, abs=8)

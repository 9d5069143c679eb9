"""Draw the sample pictures and the sample clip: `python -m demo.samples.make`."""

from __future__ import annotations

import math
from pathlib import Path

import av
from PIL import Image, ImageDraw

FOLDER = Path(__file__).parent
SIZE = (960, 640)
FINE = 2  # drawn larger, then made smaller: smooth edges

Colour = tuple[int, int, int]


def sky(top: Colour, bottom: Colour) -> Image.Image:
    """Return a picture that fades from one colour to another."""
    fade = Image.linear_gradient("L").resize((SIZE[0] * FINE, SIZE[1] * FINE))
    return Image.composite(Image.new("RGB", fade.size, bottom), Image.new("RGB", fade.size, top), fade)


def scaled(*points: tuple[float, float]) -> list[tuple[float, float]]:
    """Return points of the final picture as points of the fine one."""
    return [(x * FINE, y * FINE) for x, y in points]


def hill(draw: ImageDraw.ImageDraw, height: float, swing: float, phase: float, colour: Colour) -> None:
    """Draw a rolling hill from its height down to the bottom."""
    ridge = [(x, height + swing * math.sin(x / 140 + phase)) for x in range(0, SIZE[0] + 8, 8)]
    draw.polygon(scaled(*ridge, (SIZE[0], SIZE[1]), (0, SIZE[1])), fill=colour)


def fir(draw: ImageDraw.ImageDraw, x: float, foot: float, size: float, colour: Colour) -> None:
    """Draw a fir tree of three tiers with snow on their tips."""
    draw.rectangle(
        scaled((x - size * 0.04, foot - 4), (x + size * 0.04, foot + size * 0.16)), fill=(74, 58, 62)
    )
    for tier in range(3):
        low, wide = foot - tier * size * 0.28, size * (0.3 - tier * 0.06)
        top = low - size * 0.5
        draw.polygon(scaled((x - wide, low), (x + wide, low), (x, top)), fill=colour)
        tip = scaled(
            (x - wide * 0.36, top + size * 0.18), (x, top + size * 0.13), (x + wide * 0.36, top + size * 0.18)
        )
        draw.polygon([*tip, *scaled((x, top))], fill=(226, 234, 246))


def brush(draw: ImageDraw.ImageDraw, colour: Colour, tip: Colour) -> None:
    """Draw a fox's tail: discs along a curve, the last of them in the colour of the tip."""
    for step in range(101):
        share = step / 100
        x, y = 540 + 190 * math.sin(share * 1.9), 560 - 150 * share**1.8
        size = 16 + 44 * math.sin(math.pi * (0.12 + 0.85 * share))
        draw.ellipse(scaled((x - size, y - size), (x + size, y + size)), fill=tip if share > 0.78 else colour)


def fox() -> Image.Image:
    """Draw a fox in a snowy wood."""
    picture = sky((96, 132, 190), (248, 214, 200))
    draw = ImageDraw.Draw(picture)
    hill(draw, 400, 30, 0.0, (196, 208, 232))
    for x in range(-10, 980, 88):
        fir(draw, x, 412 + 8 * math.sin(x), 150 + 26 * math.sin(x * 1.7), (104, 132, 160))
    for x in range(34, 960, 128):
        fir(draw, x, 446 + 10 * math.sin(x), 210 + 36 * math.sin(x * 1.3), (58, 86, 110))
    hill(draw, 470, 18, 1.4, (236, 240, 250))
    orange, cream, dark = (226, 112, 46), (252, 240, 228), (58, 38, 34)
    draw.ellipse(scaled((360, 556), (740, 604)), fill=(206, 216, 236))  # shadow
    brush(draw, orange, cream)
    draw.ellipse(scaled((384, 414), (600, 590)), fill=orange)
    draw.ellipse(scaled((404, 430), (490, 588)), fill=cream)
    for x in (410, 462):
        draw.rounded_rectangle(scaled((x, 500), (x + 34, 592)), 16 * FINE, fill=orange)
        draw.rounded_rectangle(scaled((x, 564), (x + 34, 592)), 12 * FINE, fill=dark)
    draw.polygon(scaled((340, 330), (372, 240), (420, 320)), fill=orange)  # ears
    draw.polygon(scaled((450, 320), (500, 240), (526, 330)), fill=orange)
    draw.polygon(scaled((358, 318), (375, 268), (400, 318)), fill=dark)
    draw.polygon(scaled((470, 318), (496, 268), (510, 320)), fill=dark)
    draw.polygon(scaled((328, 340), (434, 296), (538, 340), (470, 440), (434, 462), (396, 440)), fill=orange)
    draw.polygon(scaled((328, 340), (404, 372), (434, 462), (396, 440)), fill=cream)
    draw.polygon(scaled((538, 340), (462, 372), (434, 462), (470, 440)), fill=cream)
    for x in (392, 474):
        draw.ellipse(scaled((x - 9, 352), (x + 9, 370)), fill=dark)
    draw.ellipse(scaled((420, 440), (448, 464)), fill=dark)
    for number in range(90):
        x, y = (number * 271) % 960, (number * 157) % 620
        size = 2 + number % 4
        draw.ellipse(scaled((x, y), (x + size, y + size)), fill=(255, 255, 255))
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def sea(draw: ImageDraw.ImageDraw, top: float, phase: float, shades: tuple[Colour, Colour]) -> None:
    """Draw waves in rows that darken towards the reader."""
    rows = 6
    for row in range(rows):
        share = row / (rows - 1)
        colour = tuple(round(a + (b - a) * share) for a, b in zip(*shades, strict=True))
        height = top + row * (SIZE[1] - top) / rows
        crest = [
            (x, height + (4 + 8 * share) * math.sin(x / (40 + 30 * share) + row * 1.9 + phase * (1 + share)))
            for x in range(0, SIZE[0] + 8, 8)
        ]
        draw.polygon(scaled(*crest, (SIZE[0], SIZE[1]), (0, SIZE[1])), fill=colour)


def lighthouse() -> Image.Image:
    """Draw a lighthouse at dusk."""
    picture = sky((40, 36, 92), (250, 150, 110))
    glow = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    beam = ImageDraw.Draw(glow)
    beam.polygon(scaled((650, 176), (0, 60), (0, 210)), fill=(255, 236, 170, 90))
    beam.polygon(scaled((650, 176), (960, 110), (960, 240)), fill=(255, 236, 170, 90))
    picture.paste(glow, mask=glow.getchannel("A"))
    draw = ImageDraw.Draw(picture)
    draw.ellipse(scaled((150, 330), (290, 470)), fill=(255, 214, 150))
    sea(draw, 430, 0.0, ((120, 88, 140), (34, 34, 80)))
    rock = scaled((520, 520), (580, 440), (740, 430), (830, 520), (960, 560), (960, 640), (480, 640))
    draw.polygon(rock, fill=(46, 40, 62))
    for stripe in range(6):
        low, high = 440 - stripe * 40, 400 - stripe * 40
        wide, narrow = 46 - stripe * 3.5, 46 - (stripe + 1) * 3.5
        colour = (236, 232, 226) if stripe % 2 else (206, 62, 62)
        tower = scaled((650 - wide, low), (650 + wide, low), (650 + narrow, high), (650 - narrow, high))
        draw.polygon(tower, fill=colour)
    draw.rectangle(scaled((616, 192), (684, 202)), fill=(46, 40, 62))
    draw.rectangle(scaled((630, 156), (670, 192)), fill=(255, 244, 190))
    draw.polygon(scaled((622, 156), (678, 156), (650, 122)), fill=(206, 62, 62))
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def boat() -> Image.Image:
    """Draw a paper boat on a lake."""
    picture = sky((168, 220, 226), (240, 250, 240))
    draw = ImageDraw.Draw(picture)
    hill(draw, 300, 40, 0.6, (158, 200, 170))
    hill(draw, 340, 26, 2.2, (110, 172, 140))
    sea(draw, 390, 1.0, ((126, 196, 210), (38, 112, 150)))
    draw.polygon(scaled((330, 420), (650, 420), (570, 510), (410, 510)), fill=(250, 250, 246))
    draw.polygon(scaled((490, 250), (400, 420), (490, 420)), fill=(255, 255, 255))
    draw.polygon(scaled((490, 250), (490, 420), (580, 420)), fill=(214, 222, 226))
    draw.polygon(scaled((330, 420), (410, 510), (490, 420)), fill=(226, 232, 234))
    draw.line(scaled((330, 420), (650, 420)), fill=(190, 200, 206), width=3 * FINE)
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


def waves(path: Path) -> None:
    """Write three seconds of waves under a moving sun."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "28", "preset": "slow"})
        stream.width, stream.height, stream.pix_fmt = 480, 320, "yuv420p"
        for number in range(72):
            picture = sky((250, 196, 120), (255, 236, 200))
            draw = ImageDraw.Draw(picture)
            x = 200 + number * 6
            draw.ellipse(scaled((x, 150), (x + 130, 280)), fill=(255, 140, 80))
            sea(draw, 300, number / 7, ((232, 150, 120), (60, 70, 120)))
            frame = av.VideoFrame.from_image(picture.resize((480, 320)))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    boat().save(FOLDER / "boat.webp", quality=82)
    fox().save(FOLDER / "fox.png", optimize=True)
    lighthouse().save(FOLDER / "lighthouse.jpg", quality=86)
    waves(FOLDER / "waves.mp4")

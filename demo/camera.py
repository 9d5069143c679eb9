"""What a message of the demo's page looks like, as a small picture in the docs."""

from __future__ import annotations

import io

from PIL import Image
from playwright.sync_api import Locator

from demo.visitor import ROOT, Visitor

PICTURES = ROOT / "docs" / "pictures"
COLOURS = 256
BYTES_MAX = 150_000
LOOKS = 10  # until a message stays where it is
# Narrow, so that little beside a message is empty; high, so that no card is cut.
WIDTH, HEIGHT = 920, 1500


def save(visitor: Visitor, name: str, *texts: str) -> str:
    """Write the picture of the message with these texts and return where."""
    visitor.message(*texts)
    visitor.wait_for_media()
    return write(name, look_at(visitor.message(*texts)))


def write(name: str, picture: Image.Image) -> str:
    """Write a picture and return where; raise ValueError if it is too large."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    # The second pass finds the palette that keeps the few pixels of the symbols in their colour.
    picture.quantize(COLOURS, kmeans=2).save(path, optimize=True)
    size = path.stat().st_size
    if size > BYTES_MAX:
        raise ValueError(f"{path.name} has {size} bytes, more than {BYTES_MAX}")
    return f"{path.relative_to(ROOT)} ({size // 1000} kB)"


def look_at(message: Locator) -> Image.Image:
    """Return what a message looks like while nobody points at it and the page does not scroll."""
    message.page.mouse.move(0, 0)
    message.page.evaluate("document.activeElement.blur()")
    message.scroll_into_view_if_needed()
    for _ in range(LOOKS):
        place = message.bounding_box()
        screenshot = message.screenshot()
        if message.bounding_box() == place:
            return Image.open(io.BytesIO(screenshot)).convert("RGB")
    raise ValueError("the page does not come to rest")

"""Take the README's pictures of the demo's page: the cards as a member sees them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

from PIL import Image
from playwright.sync_api import FilePayload, Locator

from demo.visitor import BROWSERS, ROOT, SAMPLES, Visitor, find_browser, open_browser, run_demo

PICTURES = ROOT / "docs" / "pictures"
COLOURS = 256
BYTES_MAX = 150_000
LOOKS = 10  # until a message stays where it is
# Narrow, so that little beside a message is empty; high, so that no card is cut.
WIDTH, HEIGHT = 920, 1500
SECONDS = 4
SHOWN_AT = 1.2  # seconds into the video
PROMPT = "The fox watches from the shore while the waves roll in at sunset"
OTHER_PROMPT = "@fox and @boat sail past the lighthouse at night"
NOTES = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"Remember the fox.\n")


def take_pictures(visitor: Visitor) -> Iterator[str]:
    """Act out the scenes of the README, take a picture of each, and yield their names."""
    # Pictures only: a clip takes longer to load in the page than this card waits.
    pictures = {"image1": SAMPLES / "lighthouse.jpg"}
    visitor.run("vidu", pictures, prompt=OTHER_PROMPT, duration=str(SECONDS))
    yield save(visitor, "waiting", "sail past the lighthouse", "Waiting in line")

    references = {"image1": SAMPLES / "fox.png", "video1": SAMPLES / "waves.mp4"}
    visitor.run("vidu", references, prompt=PROMPT, duration=str(SECONDS))
    yield save(visitor, "rendering", PROMPT, "Rendering")
    done = visitor.message(PROMPT, "Your video is ready")
    visitor.wait_for_media()
    visitor.seek(done.locator("video").first, SHOWN_AT)
    yield save(visitor, "done", PROMPT, "Your video is ready")

    visitor.run("vidu", {"image1": NOTES}, prompt="   ")
    yield save(visitor, "refused", "things to fix")

    visitor.run("vidu", {"image1": SAMPLES / "lighthouse.jpg"}, prompt="The lamp goes out !fail")
    yield save(visitor, "failed", "Couldn't make the video")

    yield from take_pictures_of_the_window(visitor)

    yield from take_pictures_without_a_video(visitor)

    visitor.run("videos")
    yield save(visitor, "videos", "Your videos")

    visitor.view_as("noor")
    visitor.run("quota set", videos="10", seconds="60", per="week")
    visitor.message("Effective now.")
    visitor.run("quota show")
    yield save(visitor, "quota", "Rules of this server")


def take_pictures_without_a_video(visitor: Visitor) -> Iterator[str]:
    """Ask for videos that do not come, each for another reason, and take what is said of it."""
    lighthouse = {"image1": SAMPLES / "lighthouse.jpg"}
    visitor.run("vidu", lighthouse, prompt="A storm comes up !slow")
    visitor.press(visitor.message("A storm comes up", "Waiting in line"), "Cancel")
    yield save(visitor, "cancelled", "A storm comes up", "You can try again anytime")
    visitor.run("vidu", lighthouse, prompt="The gulls return !busy")
    yield save(visitor, "busy", "The gulls return", "Waiting for the provider")
    # The last of the requests: without credit the bot sends no other one for a while.
    visitor.run("vidu", lighthouse, prompt="A ship passes !credit")
    yield save(visitor, "not-accepted", "A ship passes", "Not accepted")


def take_pictures_of_the_window(visitor: Visitor) -> Iterator[str]:
    """Fill the window with several files, and take it and the covered video that comes of it."""
    visitor.run("vidu", prompt="The boat meets the waves")
    visitor.fill([SAMPLES / "boat.webp", SAMPLES / "waves.mp4"], f"{SECONDS} seconds", ["Spoiler"])
    size = visitor.page.viewport_size
    visitor.page.set_viewport_size({"width": WIDTH, "height": 2 * HEIGHT})
    visitor.window().evaluate("window => { window.style.maxHeight = 'none'; window.scrollIntoView(); }")
    yield write("window", look_at(visitor.window()))
    visitor.page.set_viewport_size(size or {"width": WIDTH, "height": HEIGHT})
    visitor.submit()
    yield save(visitor, "spoiler", "The boat meets the waves", "Your video is ready")


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


def main() -> int:
    """Take all pictures and return the exit code."""
    program = find_browser()
    if program is None:
        print(f"None of {', '.join(BROWSERS)} is installed.", file=sys.stderr)
        return 1
    with run_demo() as location, open_browser(program) as browser:
        visitor = Visitor(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}))
        visitor.open(location)
        for taken in take_pictures(visitor):
            print(taken, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

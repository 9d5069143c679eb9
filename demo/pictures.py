"""Take the pictures of the README and the docs in the demo's page: the cards as a member sees them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from playwright.sync_api import Browser, FilePayload

from demo.camera import HEIGHT, WIDTH, look_at, save, write
from demo.language_pictures import take_language_pictures
from demo.visitor import BROWSERS, SAMPLES, Visitor, find_browser, open_browser, run_demo

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


def take_readme_pictures(browser: Browser) -> Iterator[str]:
    """Take the pictures of the README and yield their names."""
    with run_demo() as location:
        visitor = Visitor(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}))
        visitor.open(location)
        yield from take_pictures(visitor)


SCENES = {"readme": take_readme_pictures, "languages": take_language_pictures}


def main() -> int:
    """Take the pictures and return the exit code."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("only", nargs="?", choices=SCENES, help="only these (default: all)")
    only = parser.parse_args().only
    program = find_browser()
    if program is None:
        print(f"None of {', '.join(BROWSERS)} is installed.", file=sys.stderr)
        return 1
    with open_browser(program) as browser:
        for take in [SCENES[only]] if only else SCENES.values():
            for taken in take(browser):
                print(taken, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

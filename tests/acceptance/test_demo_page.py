"""The demo's page as a visitor meets it: the real process, in a real browser, in real time."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.async_api import Response, async_playwright
from playwright.async_api import expect as expect_async
from playwright.sync_api import Locator, expect

from demo.filling import PICTURES, fill_channel
from demo.page import open_page
from demo.stage import open_stage
from demo.visitor import (
    BROWSER_ARGUMENTS,
    BROWSERS,
    PATIENCE,
    READY,
    SAMPLES,
    Visitor,
    find_browser,
    open_browser,
    run_demo,
)

BROWSER = find_browser()
SECONDS = 3
VIDEOS = 4  # that the channel is full of
# What a reload fetches for a card with one picture: the picture, the video, and the video's poster.
REQUESTS_A_CARD, BYTES_A_CARD = 3, 200_000
PROMPT = "The fox runs along the beach while the waves roll in"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(BROWSER is None, reason=f"none of {', '.join(BROWSERS)} is installed"),
]

Snap = Callable[[str], None]


@pytest.fixture
def visitor() -> Iterator[Visitor]:
    assert BROWSER is not None
    with run_demo() as location, open_browser(BROWSER) as browser:
        visitor = Visitor(browser.new_page(viewport={"width": 1100, "height": 1200}))
        visitor.open(location)
        yield visitor
        assert visitor.errors == []


@pytest.fixture
def snap(visitor: Visitor, tmp_path: Path) -> Snap:
    folder = Path(os.environ.get("VIDU_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = count(1)

    def take(step: str) -> None:
        visitor.page.screenshot(path=folder / f"{next(numbers)}-{step}.png")

    return take


def test_a_visitor_makes_a_video_and_a_moderator_sets_a_rule(visitor: Visitor, snap: Snap) -> None:
    files = {"image1": SAMPLES / "fox.png", "video1": SAMPLES / "waves.mp4"}
    visitor.run("vidu", files, prompt=PROMPT, duration=str(SECONDS))
    # The line is short: on a busy machine the page may already be past it.
    for heading in (re.compile("Waiting in line|Rendering"), "Rendering", "Your video is ready"):
        card = visitor.message(heading)
        expect(card).to_contain_text(PROMPT)
        snap("card")
    expect(card).to_contain_text(f"{SECONDS} seconds · seed")
    visitor.wait_for_media()
    assert_references_are_shown(card)
    assert_plays(visitor, card.locator("video").first)
    snap("played")

    visitor.run("help")
    explained = visitor.message("How to make a video", "Only you can see this")
    expect(explained).to_contain_text("4 videos")
    snap("help")

    visitor.run("videos", search="WAVES fox")
    videos = visitor.message("Your videos", "With these words in the prompt: WAVES fox")
    expect(videos).to_contain_text("Your video is ready")
    expect(videos).to_contain_text(PROMPT)
    expect(videos).to_contain_text("1 video, 3 seconds")
    snap("videos")

    topic = visitor.page.locator("#channel-topic")
    expect(topic).to_contain_text("Used up your videos? View as ben, or view as noor and use /quota reset.")
    assert topic.evaluate("topic => topic.scrollWidth <= topic.clientWidth"), "all of it can be read"
    visitor.view_as("noor")
    expect(visitor.page.locator(".channel-message").filter(has_text="Your videos")).to_have_count(0)
    visitor.run("quota set", videos="7", per="week")
    visitor.message("Everyone (server default): 7 videos per week")
    visitor.run("quota show")
    rules = visitor.message("Rules of this server")
    expect(rules).to_contain_text("Everyone (server default): 7 videos per week")
    snap("quota-show")


def test_a_visitor_uses_the_window_and_every_button(visitor: Visitor, snap: Snap) -> None:
    visitor.run("vidu", prompt=PROMPT)
    visitor.fill(
        [SAMPLES / "fox.png", SAMPLES / "boat.webp", SAMPLES / "waves.mp4"], "1 second", ["Spoiler"], seed="x"
    )
    snap("window")
    visitor.submit()
    refusal = visitor.message("The seed “x” isn't a whole number")
    snap("refusal")
    visitor.press(refusal, "Edit and try again")
    window = visitor.window()
    expect(window).to_contain_text("Leave empty to keep fox.png, boat.webp, waves.mp4")
    expect(window.locator('[name="prompt"]')).to_have_value(PROMPT)
    visitor.fill(seed="7")
    snap("window-again")
    visitor.submit()
    card = visitor.message("Your video is ready", "seed 7")
    expect(card).to_contain_text("References: fox.png, boat.webp, waves.mp4")
    visitor.wait_for_media()
    snap("spoiler")

    visitor.press(card, "Edit")
    expect(visitor.window().locator('[name="seed"]')).to_have_value("7")
    visitor.fill(prompt="Now at night !slow", seed="8")
    visitor.submit()
    edited = visitor.message("Now at night", "Waiting in line")
    snap("slow")
    visitor.press(edited, "Cancel")
    cancelled = visitor.message("Canceled", "seed 8")
    visitor.message("Canceled. This doesn't count towards your quota.")
    snap("cancelled")

    visitor.run("videos")
    listed = visitor.message("Your videos")
    visitor.press(listed, "Show")
    visitor.message("Your video is ready", "seed 7", "Only you can see this")
    snap("shown")
    visitor.press(cancelled, "Delete")
    question = visitor.message("Delete this request?", "Only you can see this")
    snap("question")
    visitor.press(question, "Delete")
    visitor.message("Deleted.")
    expect(cancelled).to_have_count(0)
    visitor.press(card, "Again")
    visitor.message(PROMPT, re.compile("Waiting in line|Rendering|ready"), re.compile(r"seed (?!7\b)"))
    snap("again")

    visitor.view_as("ben")
    visitor.press(visitor.message("seed 7", "Your video is ready"), "Again")
    expect(visitor.window()).to_contain_text("Remix this video")
    expect(visitor.window().locator('[name="prompt"]')).to_have_value(PROMPT)
    snap("remix")


def test_a_visitor_chooses_a_saved_reference_while_typing(visitor: Visitor, snap: Snap) -> None:
    visitor.begin("vidu")
    visitor.fill_options(prompt=PROMPT, duration="1")
    suggested = visitor.suggestions("cast", "fo")
    expect(suggested).to_have_text(["fox"])
    snap("suggested")
    suggested.first.click()
    both = visitor.suggestions("cast", "fox, ")
    expect(both).to_have_text(["fox, boat"])
    snap("suggested-both")
    both.first.click()
    visitor.send()
    card = visitor.message("Your video is ready", PROMPT)
    expect(card).to_contain_text("🎭 @fox, @boat")
    visitor.wait_for_media()
    expect(card.locator("video")).to_have_count(1)
    snap("cast")

    visitor.view_as("ben")
    visitor.begin("vidu")
    visitor.fill_options(prompt="@fox waves")
    visitor.send()
    visitor.message("There's no reference fox that you can use here", "Only you can see this")


def assert_references_are_shown(card: Locator) -> None:
    picture = card.get_by_alt_text("Reference 1: fox.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("picture => picture.naturalWidth") > 0
    expect(card).to_contain_text("References: fox.png, waves.mp4")
    expect(card.locator("video")).to_have_count(1)  # the result, and no clip beside it


def assert_plays(visitor: Visitor, video: Locator) -> None:
    assert video.evaluate("video => video.videoWidth") > 0
    assert video.evaluate("video => video.duration") == pytest.approx(SECONDS, abs=0.2)
    player = video.locator("..")
    player.get_by_role("button", name="Play").click()
    expect(player.locator(".media-player-time")).to_have_text("0:01 / 0:03", timeout=PATIENCE)
    player.get_by_role("button", name="Pause").click()
    visitor.seek(video, 2.5)
    assert video.evaluate("video => video.error") is None


async def test_a_reload_of_a_full_channel_costs_little() -> None:
    assert BROWSER is not None
    async with open_stage() as world, async_playwright() as playwright:
        await fill_channel(world, VIDEOS, seconds=1)
        async with open_page(world) as served:
            browser = await playwright.chromium.launch(executable_path=BROWSER, args=BROWSER_ARGUMENTS)
            page = await browser.new_page()
            await page.goto(served.preview.url)
            await page.wait_for_function(READY)
            decoded = served.media.decoded
            assert decoded == VIDEOS + len(PICTURES), "each file once, whatever shows it"

            answers: list[Response] = []
            page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - playwright marks it
            await page.reload()
            await page.wait_for_function(READY)
            await expect_async(page.locator(".channel-message video")).to_have_count(VIDEOS)
            await expect_async(page.locator(".media-unavailable")).to_have_count(0)
            assert served.media.decoded == decoded, "nothing is decoded again"
            media = [answer for answer in answers if "/api/assets/" in answer.url]
            sizes = [int(await answer.header_value("content-length") or 0) for answer in media]
            assert len(media) <= REQUESTS_A_CARD * VIDEOS
            assert 0 < sum(sizes) <= BYTES_A_CARD * VIDEOS
            await browser.close()

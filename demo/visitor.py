"""A visitor of the demo's page: the real process, a real browser, and what a person does in it."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    FilePayload,
    Locator,
    Page,
    expect,
    sync_playwright,
)
from playwright.sync_api import TimeoutError as NothingInTime

ROOT = Path(__file__).parent.parent
SAMPLES = Path(__file__).with_name("samples")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Chromium runs as root in containers, where its sandbox cannot start; the page is our own, on loopback.
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\S+")
START_SECONDS = 60.0
STOP_SECONDS = 15.0
# What the page says to a click in the moment in which something else has changed: look, and send again.
REFUSED = "Action was not completed."
SENDS = 5
TYPING = 60  # milliseconds between two keys
SUGGESTED = 4_000  # milliseconds in which suggestions come up; the page waits 250 for the next key
SETTLE = 300  # milliseconds that the page takes to say what became of a press
PATIENCE = 40_000  # milliseconds; a job takes about 11 seconds of the clock, and machines differ

# For `wait_for_function`: everything is shown, and the page takes the next action.
READY = "() => window.simcordPreview?.ready && simcordPreview.awaitingRevision === null"
_ANSWERED = """(refused) => !document.querySelector(".command-row") || (simcordPreview.ready
    && simcordPreview.awaitingRevision === null
    && document.querySelector("#action-status").textContent === refused)"""
_WINDOW_ANSWERED = """(refused) => !document.querySelector("[role=dialog]") || (simcordPreview.ready
    && simcordPreview.awaitingRevision === null
    && document.querySelector("#action-status").textContent === refused)"""
_MEDIA_LOADED = """() => [...document.querySelectorAll(".channel-message img, .channel-message video")]
    .every((media) => media instanceof HTMLVideoElement ? media.readyState >= 2 : media.naturalWidth > 0)"""


class Visitor:
    """One person at the page, who can be any of its viewers."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._note_error)

    def open(self, location: str) -> None:
        """Open the page and wait until it can be used."""
        self.page.goto(location)
        self._wait_until_ready()

    def view_as(self, name: str) -> None:
        """Become another viewer."""
        self._wait_until_ready()
        self.page.get_by_label("Viewing as").select_option(label=name)
        self._wait_until_ready()

    def run(
        self, command: str, files: Mapping[str, Path | FilePayload] | None = None, **options: str
    ) -> None:
        """Type a command, fill its options, and send it."""
        self.begin(command)
        self.fill_options(files, **options)
        self.send()

    def begin(self, command: str) -> None:
        """Type a command and choose it."""
        self._wait_until_ready()
        self.page.get_by_role("textbox", name="Message").press_sequentially(f"/{command}")
        title = self.page.get_by_text(f"/{command}", exact=True)
        self.page.locator(".command-entry").filter(has=title).click()

    def fill_options(self, files: Mapping[str, Path | FilePayload] | None = None, **options: str) -> None:
        """Fill options of the command that is typed."""
        for option, text in options.items():
            self._field(option).fill(text)
        for option, file in (files or {}).items():
            self._field(option).set_input_files(file)

    def suggestions(self, option: str, typed: str) -> Locator:
        """Type into an option that has suggestions, key by key, and return those that come up.

        Where something else changes meanwhile the page asks for none: then it's typed again.
        """
        field = self._field(option)
        found = self.page.locator(".command-popup .command-suggestion")
        for _ in range(SENDS):
            self._wait_until_ready()
            field.fill("")
            field.press_sequentially(typed, delay=TYPING)
            heading = self.page.get_by_text(f"OPTIONS MATCHING {typed.upper()}", exact=True)
            heading.wait_for()
            with contextlib.suppress(NothingInTime):
                found.first.wait_for(timeout=SUGGESTED)
                return found
        raise RuntimeError(f"the page suggests nothing for {option}")

    def window(self) -> Locator:
        """Wait for a window and return it."""
        window = self.page.get_by_role("dialog")
        window.wait_for()
        return window

    def fill(
        self, files: Sequence[Path] = (), length: str | None = None, ticks: Sequence[str] = (), **texts: str
    ) -> None:
        """Fill the open window: texts by the names of their fields, length and ticks by their words."""
        window = self.window()
        for name, text in texts.items():
            window.locator(f'[name="{name}"]').fill(text)
        if files:
            window.locator("input[type=file]").set_input_files(files)
        if length is not None:
            window.get_by_role("combobox").last.click()
            self.page.get_by_role("option", name=length, exact=True).click()
        for tick in ticks:
            window.locator(".modal-choice").filter(has_text=tick).click()

    def submit(self) -> None:
        """Send the window, as often as the page refuses because something else has changed."""
        window = self.page.get_by_role("dialog")
        for _ in range(SENDS):
            self._wait_until_ready()
            window.get_by_role("button", name="Submit").click()
            self.page.wait_for_function(_WINDOW_ANSWERED, arg=REFUSED)
            if not window.count():
                return
        raise RuntimeError("the page does not take the window")

    def press(self, message: Locator, label: str) -> None:
        """Press a button of a message, as often as the page refuses because something else has changed."""
        for _ in range(SENDS):
            self._wait_until_ready()
            message.get_by_role("button", name=label).click()
            self.page.wait_for_timeout(SETTLE)
            self._wait_until_ready()
            if self.page.locator("#action-status").inner_text() != REFUSED:
                return
        raise RuntimeError(f"the page does not take {label}")

    def message(self, *texts: str | re.Pattern[str]) -> Locator:
        """Wait for a message with these texts and return it; the newest, where there are several."""
        messages = self.page.locator(".channel-message")
        for text in texts:
            messages = messages.filter(has_text=text)
        messages.last.wait_for()
        return messages.last

    def wait_for_media(self) -> None:
        """Wait until every picture and clip of the page can be seen and nothing moves any more."""
        self._wait_until_ready()
        self.page.wait_for_function(_MEDIA_LOADED)

    def seek(self, video: Locator, seconds: float) -> None:
        """Move a video to a moment with the slider below it, and wait until its frame is there."""
        video.locator("..").get_by_role("slider", name="Seek").fill(str(seconds))
        expect(video).to_have_js_property("currentTime", seconds)
        expect(video).to_have_js_property("seeking", False)

    def send(self) -> None:
        """Press Send until the command is taken, but do not wait for what it shows to load."""
        row = self.page.locator(".command-row")
        for _ in range(SENDS):
            self.page.get_by_role("button", name="Send").click()
            self.page.wait_for_function(_ANSWERED, arg=REFUSED)
            if not row.count():
                return
        raise RuntimeError("the page does not take the command")

    def _field(self, option: str) -> Locator:
        field = self.page.locator(f'.command-row input[data-option="{option}"]')
        if not field.count():
            self.page.locator(".command-chip").click()
            self.page.locator(f'.command-suggestion[data-value="{option}"]').click()
        return field

    def _wait_until_ready(self) -> None:
        self.page.wait_for_function(READY)

    def _note_error(self, message: ConsoleMessage) -> None:
        # Browsers ask for an icon by themselves; the page has none and needs none.
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            self.errors.append(message.text)


def find_browser() -> str | None:
    """Return where Chromium is installed, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def run_demo(*arguments: str) -> Iterator[str]:
    """Run the demo with these arguments as its own process and yield the address of its page.

    Raises RuntimeError when it ends or hangs before it has one.
    """
    command = [sys.executable, "-m", "demo", "--no-browser", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield _read_address(process)
        finally:
            # As Ctrl+C does, so that it clears up after itself.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def open_browser(program: str) -> Iterator[Browser]:
    """Run a browser without a window and with a profile that goes away."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=BROWSER_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _read_address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None, "its output is a pipe"
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if found := ADDRESS.search(line):
                return found[0]
    finally:
        watchdog.cancel()
    raise RuntimeError("the demo printed no address")

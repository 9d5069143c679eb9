"""One whole job without a browser: each state as it happens, and the mp4 at the end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import av
from simcord import ResponseMessage

from demo.stage import open_stage
from fakes.world import World, texts

SAMPLES = Path(__file__).with_name("samples")
OUTPUT = Path(__file__).with_name("output")
PROMPT = "The paper boat sails past the lighthouse while the fox watches from the shore"
DURATION = 4  # seconds
STEP = 0.5  # simulated seconds between two looks at the card
PATIENCE = 600  # looks; the renderer works in real time beside the simulated one
GLIMPSE = 0.05  # seconds of real time a look, so that the renderer gets on


class DemoError(Exception):
    """A step of the demo did not do what it should; the text says which."""


async def run_once() -> Path:
    """Run one job on the sample pictures, print its states, and return where the video was written.

    Raises DemoError when any step fails.
    """
    async with open_stage() as world:
        pictures = sorted(path for path in SAMPLES.iterdir() if path.suffix in {".png", ".jpg", ".webp"})
        options = {
            f"image{position}": (path.name, path.read_bytes()) for position, path in enumerate(pictures, 1)
        }
        clip = SAMPLES / "waves.mp4"
        asked = await world.member.slash(
            world.channel,
            "vidu",
            prompt=PROMPT,
            duration=DURATION,
            video1=(clip.name, clip.read_bytes()),
            **options,
        )
        if asked.response is None:
            raise DemoError("the bot did not answer /vidu: " + " ".join(map(str, asked.followups)))
        await _watch_card(world, asked.response)
        return _write_video(world, asked.response)


async def _watch_card(world: World, card: ResponseMessage) -> None:
    """Print the card's heading whenever it changes, until the video is there."""
    seen = ""
    for _ in range(PATIENCE):
        heading = (texts(card) or [""])[0].splitlines()[0].removeprefix("### ")
        if heading != seen:
            seen = heading
            print(f"{world.env.now():%H:%M:%S}  {heading}", flush=True)
        if heading.startswith("✅"):
            return
        if heading.startswith(("❌", "🚫", "⌛", "❔")):
            raise DemoError("the job did not end in a video: " + " ".join(texts(card)))
        await asyncio.sleep(GLIMPSE)
        await world.env.advance_time(STEP)
    raise DemoError(f"the card still says {seen!r} after {PATIENCE} looks")


def _write_video(world: World, card: ResponseMessage) -> Path:
    """Take the video off the card, check that it plays as long as asked, and write it to disk."""
    videos = [attached for attached in card.attachments if attached.filename.startswith("vidu-")]
    if len(videos) != 1:
        raise DemoError(f"the card has {len(videos)} videos, not one")
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / videos[0].filename
    path.write_bytes(world.cdn(videos[0].url))
    with av.open(str(path)) as container:
        frames = sum(1 for _ in container.decode(video=0))
        seconds = float(container.duration or 0) / av.time_base
    if frames == 0 or abs(seconds - DURATION) > 0.2:
        raise DemoError(f"the video has {frames} frames and lasts {seconds:.1f} s, not {DURATION} s")
    return path

"""A channel that is full already: videos that were asked for and finished before anyone looks."""

from __future__ import annotations

import asyncio

from demo.once import GLIMPSE, PATIENCE, SAMPLES, STEP, DemoError
from fakes.world import World, texts

DURATION = 4  # seconds of each video
PICTURES = ("fox.png", "boat.webp", "lighthouse.jpg")


async def fill_channel(world: World, videos: int, seconds: int = DURATION) -> None:
    """Let ben make so many videos, one after the other.

    Raises DemoError when one of them doesn't become a video.
    """
    if videos:
        await world.moderator.slash(world.channel, "quota set", member=world.other, videos=videos + 5)
    for number in range(videos):
        await _make_video(world, number, seconds)


async def _make_video(world: World, number: int, seconds: int) -> None:
    picture = SAMPLES / PICTURES[number % len(PICTURES)]
    asked = await world.other.slash(
        world.channel,
        "vidu",
        prompt=f"Scene {number + 1} of a small film",
        duration=seconds,
        image1=(picture.name, picture.read_bytes()),
    )
    if asked.response is None:
        raise DemoError("the bot did not answer /vidu: " + " ".join(map(str, asked.followups)))
    for _ in range(PATIENCE):
        if texts(asked.response)[0].startswith("### ✅"):
            return
        await asyncio.sleep(GLIMPSE)
        await world.env.advance_time(STEP)
    raise DemoError("a video is not finished: " + " ".join(texts(asked.response)))

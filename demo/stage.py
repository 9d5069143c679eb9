"""The demo's stage: the stand-in GMI Cloud on loopback, and the bot beside it, in a folder that goes away."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from bot.delivery.thumbnails import Thumbnails
from bot.models.jobs import Job
from fakes.gmi.cloud import GmiCloud
from fakes.locales import ENGLISH, Locales, simulated_locales
from fakes.world import SimulatedClock, World, open_world, settings_for

# The page always shows it above the channel, in one line that is about this long.
TOPIC = "/vidu makes a video. Used up your videos? View as ben, or view as noor and use /quota reset."

CAST = [Path(__file__).parent / "samples" / name for name in ("fox.png", "boat.webp")]


class NoThumbnails(Thumbnails):
    """Finds no pictures: SimCord's page shows the files of a message on that message only."""

    async def of(self, jobs: Iterable[Job]) -> dict[int, str]:  # noqa: ARG002
        """Return no link for any job."""
        return {}


async def _save_cast(world: World) -> None:
    """Save two of the samples as references of the first member: `@fox and @boat` in a prompt finds them."""
    for number, file in enumerate(CAST, start=1):
        picture = await world.bot.inspector.shrink(file.name, file.read_bytes(), 1)
        await world.bot.cast.save(number, world.member.id, file.stem, [picture])


@asynccontextmanager
async def open_stage(locale: str = ENGLISH) -> AsyncIterator[World]:
    """Start both, with everybody's Discord in a language.

    The stand-in reads references from the simulated Discord as GMI does from the real.
    """
    clock = SimulatedClock()
    worlds: list[World] = []
    # The simulated application is public, but nobody can reach it or spend anything in it.
    logging.getLogger("bot.intake.access").setLevel(logging.ERROR)

    async def fetch(url: str) -> bytes:
        return worlds[0].cdn(url)

    with tempfile.TemporaryDirectory(prefix="vidu-demo-") as folder:
        async with GmiCloud(now=clock.now, fetch=fetch, prompt_faults=True) as cloud:
            settings = settings_for(cloud, f"sqlite+aiosqlite:///{Path(folder) / 'demo.db'}")
            async with open_world(cloud, clock, settings, topic=TOPIC, locale=locale) as world:
                worlds.append(world)
                world.bot.thumbnails = NoThumbnails(world.bot.delivery, clock)
                await _save_cast(world)
                with world.env.time_context(), simulated_locales(Locales(default=locale)):
                    yield world

"""The demo's stage: the stand-in GMI Cloud on loopback, and the bot beside it, in a folder that goes away."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fakes.gmi.cloud import GmiCloud
from fakes.world import SimulatedClock, World, open_world, settings_for


@asynccontextmanager
async def open_stage() -> AsyncIterator[World]:
    """Start both; the stand-in reads references from the simulated Discord as GMI does from the real."""
    clock = SimulatedClock()
    worlds: list[World] = []
    # The simulated application is public, but nobody can reach it or spend anything in it.
    logging.getLogger("bot.intake.access").setLevel(logging.ERROR)

    async def fetch(url: str) -> bytes:
        return worlds[0].cdn(url)

    with tempfile.TemporaryDirectory(prefix="vidu-demo-") as folder:
        async with GmiCloud(now=clock.now, fetch=fetch, prompt_faults=True) as cloud:
            settings = settings_for(cloud, f"sqlite+aiosqlite:///{Path(folder) / 'demo.db'}")
            async with open_world(cloud, clock, settings) as world:
                worlds.append(world)
                with world.env.time_context():
                    yield world

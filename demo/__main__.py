"""Try the bot without a token, a key or a network: `python -m demo`, or `--once` for one job without a browser."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import sys
import tempfile
import webbrowser
from pathlib import Path

from simcord import SetupError

from demo.gmi_cloud import GmiCloud
from demo.once import run_once
from demo.world import SimulatedClock, World, open_world, settings_for

TICK = 0.5  # seconds between two moves of the simulated clock
WIDTH, HEIGHT = 1100, 900

WELCOME = """\
The bot is ready in a simulated Discord:

  {url}

Type /vidu in the channel, give it a prompt and your own picture or clip (some lie in demo/samples), and send it.
Then try /videos as a member; and as the moderator noor /quota set, show and usage (choose who you are at the top).
Words in the prompt provoke trouble: {words}.
Stop with Ctrl+C.
"""


async def show(port: int | None, *, browser: bool) -> None:
    """Serve the simulated channel until the process is stopped."""
    clock = SimulatedClock()
    with tempfile.TemporaryDirectory(prefix="vidu-demo-") as folder:
        async with stage(clock, Path(folder)) as world:
            preview = world.env.preview(
                world.channel,
                viewers=[world.member, world.other, world.moderator],
                layout="channel",
                width=WIDTH,
                height=HEIGHT,
                port=port,
            )
            async with preview:
                print(WELCOME.format(url=preview.url, words=", ".join(world.cloud.provoking_words)), flush=True)
                if browser:
                    await asyncio.to_thread(webbrowser.open, preview.url)
                await run_clock(world, preview)


async def run_clock(world: World, preview: object) -> None:
    """Move the simulated clock as real time passes, and the page when something changed."""
    seen = -1
    while True:
        await asyncio.sleep(TICK)
        # An action of a visitor holds the simulation for a moment; the next tick makes up for it.
        with contextlib.suppress(SetupError, TimeoutError):
            await world.env.advance_time(TICK)
            changes = len(world.env.http_requests)
            if changes != seen:
                await preview.refresh()  # type: ignore[attr-defined]
                seen = changes


@contextlib.asynccontextmanager
async def stage(clock: SimulatedClock, folder: Path):  # type: ignore[no-untyped-def]
    """Start the stand-in GMI Cloud and the bot beside it."""
    worlds: list[World] = []

    async def fetch(url: str) -> bytes:
        return worlds[0].cdn(url)

    async with GmiCloud(now=clock.now, fetch=fetch, prompt_faults=True) as cloud:
        settings = settings_for(cloud, f"sqlite+aiosqlite:///{folder / 'demo.db'}")
        async with open_world(cloud, clock, settings) as world:
            worlds.append(world)
            yield world

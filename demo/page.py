"""The demo's page: the simulated channel in the browser, with a clock that moves as real time passes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from simcord import Preview, SetupError

from demo.media import MediaCache, keep_media
from fakes.locales import ENGLISH
from fakes.world import World

TICK = 0.5  # seconds between two moves of the simulated clock
WIDTH, HEIGHT = 1100, 900


@dataclass(frozen=True, slots=True)
class DemoPage:
    """The page that is served."""

    preview: Preview
    media: MediaCache
    turn: asyncio.Lock  # held by whoever acts on the simulation: a visitor, or the clock


@asynccontextmanager
async def open_page(
    world: World, port: int | None = None, *, locale: str = ENGLISH
) -> AsyncIterator[DemoPage]:
    """Serve the simulated channel on 127.0.0.1, to be seen as any of the three people in it.

    `locale` says how the page writes times.
    """
    viewers = [world.member, world.other, world.moderator]
    async with world.env.preview(
        world.channel,
        viewers=viewers,
        layout="channel",
        width=WIDTH,
        height=HEIGHT,
        port=port,
        locale=locale,
    ) as preview:
        yield DemoPage(preview, keep_media(preview), take_turns(preview))


def take_turns(preview: Preview) -> asyncio.Lock:
    """Let a visitor's action wait while the clock moves: the page would give up on it otherwise."""
    turn = asyncio.Lock()
    act = preview._action

    async def act_in_turn(context_id: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
        async with turn:
            # The page's own clock stands still between refreshes: a new card would be in the future.
            preview._advance_presentation_time()
            return await act(context_id, body)

    preview._action = act_in_turn  # type: ignore[method-assign]
    return turn


async def move_clock(world: World, page: DemoPage) -> None:
    """Move the simulated clock as real time passes, and the page when something changed."""
    shown = -1
    while True:
        await asyncio.sleep(TICK)
        # While something settles the simulation is held; the next tick comes soon.
        async with page.turn:
            with contextlib.suppress(SetupError, TimeoutError):
                await world.env.advance_time(TICK)
                changes = len(world.env.http_requests)
                if changes != shown:
                    await page.preview.refresh()
                    shown = changes

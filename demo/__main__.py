"""Try the bot without a token, a key or a network: in a browser, or one job with `--once`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import webbrowser
from collections.abc import Mapping
from typing import Any

from simcord import Preview, SetupError

from demo.once import DemoError, run_once
from demo.stage import open_stage
from fakes.gmi.script import PROMPT_FAULTS
from fakes.world import World

TICK = 0.5  # seconds between two moves of the simulated clock
WIDTH, HEIGHT = 1100, 900

WELCOME = """
The bot is ready in a simulated Discord:

  {url}

Type /vidu in the channel, choose it, write a prompt, add a picture or clip (demo/samples has some), and send.
If the page says that an action was not completed, press Send again: your draft is still there.
Then try /videos; and as the moderator noor /quota set, /quota show and /quota usage.
These words in a prompt provoke trouble: {words}
Ctrl+C ends it.
"""


async def serve(port: int | None, *, browser: bool) -> None:
    """Serve the simulated channel until the process is stopped."""
    async with open_stage() as world:
        viewers = [world.member, world.other, world.moderator]
        async with world.env.preview(
            world.channel, viewers=viewers, layout="channel", width=WIDTH, height=HEIGHT, port=port
        ) as preview:
            print(WELCOME.format(url=preview.url, words=", ".join(PROMPT_FAULTS)), flush=True)
            if browser:
                await asyncio.to_thread(webbrowser.open, preview.url)
            await move_clock(world, preview, take_turns(preview))


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


async def move_clock(world: World, preview: Preview, turn: asyncio.Lock) -> None:
    """Move the simulated clock as real time passes, and the page when something changed."""
    shown = -1
    while True:
        await asyncio.sleep(TICK)
        # While something settles the simulation is held; the next tick comes soon.
        async with turn:
            with contextlib.suppress(SetupError, TimeoutError):
                await world.env.advance_time(TICK)
                changes = len(world.env.http_requests)
                if changes != shown:
                    await preview.refresh()
                    shown = changes


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one whole job without a browser")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (default: any that is free)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    arguments = parser.parse_args()
    try:
        if arguments.once:
            print(f"The video is in {asyncio.run(run_once())}")
        else:
            asyncio.run(serve(arguments.port, browser=not arguments.no_browser))
    except DemoError as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Goodbye.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Try the bot without a token, a key or a network: in a browser, or one job with `--once`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser

from demo.once import DemoError, run_once
from demo.page import move_clock, take_turns
from demo.stage import open_stage
from fakes.gmi.script import PROMPT_FAULTS

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

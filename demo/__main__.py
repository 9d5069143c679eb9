"""Try the bot without a token, a key or a network: in a browser, or one job with `--once`."""

from __future__ import annotations

import argparse
import asyncio
import sys
import webbrowser

from bot.models.languages import LOCALES
from bot.ui.texts.quotas import allowance
from demo.filling import fill_channel
from demo.once import DemoError, run_once
from demo.page import move_clock, open_page
from demo.stage import open_stage
from fakes.gmi.script import PROMPT_FAULTS
from fakes.locales import ENGLISH
from fakes.world import World

WELCOME = """
The bot is ready in a simulated Discord:

  {url}

1. Type /vidu and choose it from the list. Write a prompt, add a picture or a clip (demo/samples has some),
   and press Send. If the page says that an action was not completed, press Send again: your draft is kept.
2. Type /videos to see your videos.
3. At "Viewing as", choose the moderator noor, and try /quota set, /quota show and /quota usage.

Each member can make {allowance}. When you have used them up, choose someone else at "Viewing as",
or choose noor and use /quota reset.

To see what happens when something goes wrong, write one of these words into a prompt:
{words}

Press Ctrl+C to stop.
"""


async def serve(port: int | None, *, browser: bool, videos: int, locale: str) -> None:
    """Serve the simulated channel until the process is stopped; everybody's Discord is in this language."""
    async with open_stage(locale) as world:
        await fill_channel(world, videos)
        async with open_page(world, port, locale=locale) as page:
            print(welcome(world, page.preview.url), flush=True)
            if browser:
                await asyncio.to_thread(webbrowser.open, page.preview.url)
            await move_clock(world, page)


def welcome(world: World, url: str) -> str:
    """Return what a visitor can do at this address."""
    return WELCOME.format(url=url, allowance=allowance(world.settings.quota), words=", ".join(PROMPT_FAULTS))


def main() -> int:
    """Run the demo and return the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="one whole job without a browser")
    parser.add_argument("--port", type=int, help="port on 127.0.0.1 (default: any that is free)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument(
        "--videos", type=int, default=0, metavar="N", help="start with N finished videos in the channel"
    )
    parser.add_argument(
        "--locale",
        default=ENGLISH,
        choices=LOCALES,
        help="the language of everybody's Discord (default: en-US)",
    )
    arguments = parser.parse_args()
    try:
        if arguments.once:
            print(f"The video is in {asyncio.run(run_once())}")
        else:
            asyncio.run(
                serve(
                    arguments.port,
                    browser=not arguments.no_browser,
                    videos=arguments.videos,
                    locale=arguments.locale,
                )
            )
    except DemoError as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Goodbye.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The process: `python -m bot` starts the bot, `python -m bot --help` tells what else it can do."""

from __future__ import annotations

import gc
import sys

# What is imported stays until the end: to look for garbage in it, again and again, takes a tenth of a start.
gc.disable()
from bot.command_line import main  # noqa: E402

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())

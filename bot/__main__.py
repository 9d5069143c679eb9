"""The process: `python -m bot` starts the bot, `python -m bot --help` tells what else it can do."""

from __future__ import annotations

import sys

from bot.command_line import main

if __name__ == "__main__":
    sys.exit(main())

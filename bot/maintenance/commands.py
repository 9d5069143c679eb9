"""The maintenance commands: `python -m bot backup`, `restore` and `verify`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.maintenance.backup import back_up
from bot.maintenance.problems import CommandFailed
from bot.maintenance.restore import restore
from bot.maintenance.verify import verify

COMMANDS = frozenset({"backup", "restore", "verify"})
DONE, FAILED = 0, 1  # exit codes; argparse ends with 2 where a command is not understood


def run(arguments: Sequence[str]) -> int:
    """Run a command, print what came of it, and return the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        match chosen.command:
            case "backup":
                text = back_up(chosen.file)
            case "restore":
                text = restore(chosen.file)
            case _:
                text = asyncio.run(verify(chosen.file))
    except CommandFailed as failure:
        print(failure, file=sys.stderr)
        return FAILED
    print(text)
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot")
    commands = parser.add_subparsers(dest="command", required=True)
    backup = commands.add_parser("backup", help="copy the database to a file, also while the bot runs")
    backup.add_argument("file", type=Path, help="the backup; it must not exist yet")
    restore_ = commands.add_parser("restore", help="put a backup in the database's place; stop the bot first")
    restore_.add_argument("file", type=Path, help="the backup")
    verify_ = commands.add_parser("verify", help="check a backup, or the bot's own database")
    verify_.add_argument("file", type=Path, nargs="?", help="the backup; without it, the bot's database")
    return parser

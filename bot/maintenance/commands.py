"""The maintenance commands: `python -m bot backup`, `restore` and `verify`."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from bot.exit_codes import ExitCode
from bot.maintenance.backup import back_up
from bot.maintenance.problems import CommandFailed
from bot.maintenance.restore import restore
from bot.maintenance.verify import verify


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the commands to the command line; `run` is what the chosen one does."""
    commands = parser.add_subparsers(metavar="command")
    backup = commands.add_parser("backup", help="copy the database to a file, also while the bot runs")
    backup.add_argument("file", type=Path, help="the backup; it must not exist yet")
    backup.set_defaults(run=_printing(back_up))
    restore_ = commands.add_parser("restore", help="put a backup in the database's place; stop the bot first")
    restore_.add_argument("file", type=Path, help="the backup")
    restore_.set_defaults(run=_printing(restore))
    verify_ = commands.add_parser("verify", help="check a backup, or the bot's own database")
    verify_.add_argument("file", type=Path, nargs="?", help="the backup; without it, the bot's database")
    verify_.set_defaults(run=_printing(lambda file: asyncio.run(verify(file))))


def _printing(command: Callable[[Path], str]) -> Callable[[argparse.Namespace], ExitCode]:
    """Return a command that prints what came of it, and tells the exit code."""

    def run(given: argparse.Namespace) -> ExitCode:
        try:
            print(command(given.file))
        except CommandFailed as failure:
            print(failure, file=sys.stderr)
            return ExitCode.FAILED
        return ExitCode.STOPPED

    return run

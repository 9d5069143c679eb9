"""Hand bytes to the measuring process, which never outlives its limit or whoever asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

PROBE = (sys.executable, "-P", str(Path(__file__).with_name("probe.py")))
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")  # what a Python may need to start
_CANNOT_START = 1  # exit code: Python could not import or load the library


class TookTooLong(Exception):  # noqa: N818 - it names what happened
    """A file kept its reader busy for longer than any file should."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"more than {seconds:g} seconds")
        self.seconds = seconds


async def converse(
    command: Sequence[str], data: bytes, threads: Executor, seconds_max: float
) -> bytes | None:
    """Return what the process answers to these bytes, or None if it can make nothing of them.

    Raises TookTooLong, and RuntimeError where the process itself does not work.
    """
    # A thread talks with the process, not asyncio's transports: cancelled while they open, those of
    # Python 3.11 wait for ever.
    process = _start(command)
    try:
        reading = asyncio.get_running_loop().run_in_executor(threads, _talk, process, data, seconds_max)
    except RuntimeError:  # the threads have been closed
        _end(process)
        raise
    try:
        output, errors = await asyncio.shield(reading)
    except asyncio.CancelledError:
        process.kill()
        await asyncio.wait({reading})  # its thread reaps it
        _end(process)  # unless that had not begun
        raise
    if process.returncode == _CANNOT_START:  # no fault of the file
        raise RuntimeError(f"The reader of files does not start: {errors.decode(errors='replace')}")
    return None if process.returncode else output


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Fixed words only, the file comes in as standard input.
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)  # noqa: S603


def _talk(process: subprocess.Popen[bytes], data: bytes, seconds_max: float) -> tuple[bytes, bytes]:
    """Write the file, return the answer, and leave no process behind. Raises TookTooLong."""
    try:
        return process.communicate(data, seconds_max)
    except subprocess.TimeoutExpired:
        raise TookTooLong(seconds_max) from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process where it still runs, and wait until it is gone, so that no zombie stays."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()

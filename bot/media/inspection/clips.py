"""Measure a clip: in a process of its own, which never outlives its limit or whoever asked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import Executor
from pathlib import Path

from bot.media.inspection.containers import has_impossible_table, top_boxes
from bot.media.inspection.formats import Format
from bot.media.inspection.unreadable import Unreadable
from bot.models.problems import Problem, ProblemCode

SECONDS_MAX = 6.0  # a whole clip of 100 MiB takes well under one

PROBE = (sys.executable, "-P", str(Path(__file__).with_name("probe.py")))
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")  # what a Python may need to start
_CANNOT_START = 1  # exit code: Python could not import or load the library


class TookTooLong(Exception):  # noqa: N818 - it names what happened
    """A clip kept its reader busy for longer than any clip should."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"more than {seconds:g} seconds")
        self.seconds = seconds


async def measure_clip(name: str, found: Format, data: bytes, threads: Executor) -> tuple[int, int, float]:
    """Return width and height in pixels as displayed, and the seconds. Raises Unreadable and TookTooLong."""
    _check_whole(name, found, data)
    if has_impossible_table(data):
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, {"name": name, "format": found.name}))
    return _measures(name, found, await measure(data, threads))


async def measure(data: bytes, threads: Executor) -> dict[str, float] | None:
    """Return what probe.py finds out about a clip, or None if it cannot be read.

    Raises TookTooLong, and RuntimeError where the reader itself does not work.
    """
    # A thread talks with the process, not asyncio's transports: cancelled while they open, those of
    # Python 3.11 wait for ever.
    process = _start()
    try:
        reading = asyncio.get_running_loop().run_in_executor(threads, _converse, process, data)
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
    if process.returncode == _CANNOT_START:  # no fault of the clip
        raise RuntimeError(f"The reader of clips does not start: {errors.decode(errors='replace')}")
    if process.returncode:
        return None
    measures: dict[str, float] | None = json.loads(output)
    return measures


def _start() -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Fixed words only, the clip comes in as standard input.
    return subprocess.Popen(PROBE, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)  # noqa: S603


def _converse(process: subprocess.Popen[bytes], data: bytes) -> tuple[bytes, bytes]:
    """Write the clip, return the answer, and leave no process behind. Raises TookTooLong."""
    try:
        return process.communicate(data, SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise TookTooLong(SECONDS_MAX) from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process where it still runs, and wait until it is gone, so that no zombie stays."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _measures(name: str, found: Format, measures: dict[str, float] | None) -> tuple[int, int, float]:
    """Return width and height in pixels as displayed, and the seconds. Raises Unreadable."""
    about = {"name": name, "format": found.name}
    if measures is None or not measures["videos"] + measures["sounds"]:
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, about))
    if not measures["videos"]:
        raise Unreadable(Problem(ProblemCode.VIDEO_WITHOUT_PICTURE, about))
    width, height, seconds = int(measures["width"]), int(measures["height"]), measures["seconds"]
    if min(width, height) < 1:
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, about))
    if seconds <= 0:
        raise Unreadable(Problem(ProblemCode.VIDEO_WITHOUT_LENGTH, {"name": name}))
    return width, height, seconds


def _check_whole(name: str, found: Format, data: bytes) -> None:
    """Raise Unreadable if the end of a clip is missing, which its index alone would not show."""
    about = {"name": name, "format": found.name}
    seen = set()
    for kind, end in top_boxes(data):
        seen.add(kind)
        if end > len(data):
            raise Unreadable(Problem(ProblemCode.VIDEO_CUT_OFF, {"name": name}))
    if b"moov" not in seen:
        raise Unreadable(Problem(ProblemCode.VIDEO_WITHOUT_INDEX, about))
    if b"mdat" not in seen:
        raise Unreadable(Problem(ProblemCode.VIDEO_BROKEN, about))

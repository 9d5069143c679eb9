"""Have a clip measured in a process of its own, which never outlives its limit or whoever asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

SECONDS_MAX = 6.0  # a whole clip of 100 MiB takes well under one
CHUNK = 1024 * 1024  # bytes; the whole clip at once would be copied once more

_MEASURE = (sys.executable, "-P", str(Path(__file__).with_name("measure.py")))
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "SYSTEMROOT")  # what a Python may need to start
_CANNOT_START = 1  # exit code: Python could not import or load the library


class TookTooLong(Exception):  # noqa: N818 - it names what happened
    """A clip kept its reader busy for longer than any clip should."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"more than {seconds:g} seconds")
        self.seconds = seconds


async def measure(data: bytes) -> dict[str, float] | None:
    """Return what measure.py tells about a clip, or None if it cannot be read.

    Raises TookTooLong, and RuntimeError where the reader itself does not work.
    """
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Fixed words only, the clip comes in as standard input.
    process = await asyncio.create_subprocess_exec(
        *_MEASURE, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            output, errors = await _converse(process, data)
    except TimeoutError:
        raise TookTooLong(SECONDS_MAX) from None
    finally:
        if process.returncode is None:
            await _end(process)
    if process.returncode == _CANNOT_START:  # no fault of the clip
        raise RuntimeError(f"The reader of clips does not start: {errors.decode(errors='replace')}")
    if process.returncode:
        return None
    measures: dict[str, float] | None = json.loads(output)
    return measures


async def _converse(process: Process, data: bytes) -> tuple[bytes, bytes]:
    """Write the clip while the answer is read, and wait for the end of the process."""
    _, answer = await asyncio.gather(_feed(process, data), process.communicate())
    return answer


async def _feed(process: Process, data: bytes) -> None:
    assert process.stdin is not None
    view = memoryview(data)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has ended without reading it all
        for start in range(0, len(view), CHUNK):
            process.stdin.write(view[start : start + CHUNK])
            await process.stdin.drain()
        process.stdin.close()


async def _end(process: Process) -> None:
    """Kill the process and wait until it is gone, so that no zombie stays."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.communicate()

"""How long a finished video takes to its member, beside a plain download and upload of the same bytes."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import psutil

from bench.figure import Figure
from fakes.discord import payloads
from fakes.discord.model import APPLICATION_ID
from fakes.gmi.request import Request, Timing
from fakes.process import Wire, open_wire

MEGABYTE = 1_000_000
SIZES = (2, 8, 25)  # megabytes
AT_ONCE, AT_ONCE_SIZE = 50, 25
RATIO_GOAL = 1.25
MEMORY_GOAL = 100.0  # MiB above idle: four transfers with their buffers
UPLOAD_LIMIT = 50 * 1024 * 1024  # bytes; a boosted server
TIMING = Timing(queued=0.2, processing=0.5)


def figures(repeat: int) -> list[Figure]:
    """Measure each size several times, then many results at the same moment."""
    with mock.patch.object(payloads, "UPLOAD_LIMIT", UPLOAD_LIMIT):
        found = [asyncio.run(_one_size(size, repeat)) for size in SIZES]
        return [*found, asyncio.run(_at_once())]


async def _one_size(size: int, repeat: int) -> Figure:
    ours: list[float] = []
    plain: list[float] = []
    with tempfile.TemporaryDirectory() as folder, _successes() as told:
        async with open_wire(Path(folder), speed=1.0, render=_renderer(size), timing=TIMING) as wire:
            for seed in range(1, repeat + 2):
                slash = await wire.ask(seed)
                await wire.posted(seed, 60)
                [request] = [each for each in wire.cloud.requests.values() if each.payload["seed"] == seed]
                posted = next(
                    call.at for call in wire.discord.calls_to("PATCH", slash.token) if call.has_video
                )
                assert slash.original is not None
                link = f"{wire.cloud.base_url.split('/api')[0]}/media/{request.videos[0].name}"
                seconds = await _plainly(wire, link, slash.token, slash.original.id)
                if seed > 1:  # the first one opens the connections
                    ours.append(posted - told[request.request_id])
                    plain.append(seconds)
    reached = median(ours) <= RATIO_GOAL * median(plain)
    return Figure(
        "posting",
        f"from success to posted, {size} MB",
        "s",
        tuple(ours),
        f"at most {RATIO_GOAL} times plain",
        reached,
        "plain download and upload",
        tuple(plain),
    )


async def _plainly(wire: Wire, link: str, token: str, message_id: int) -> float:
    """Let a process without a bot fetch the same bytes and post them."""
    target = f"{wire.discord.base_url}/api/v10/webhooks/{APPLICATION_ID}/{token}"
    message = f"{target}/messages/{message_id}"
    before = len(wire.discord.calls)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.plain",
        link,
        message,
        target,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ,
    )
    output, _ = await process.communicate()
    [call] = [each for each in wire.discord.calls[before:] if each.has_video]
    return call.at - float(output)


async def _at_once() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        timing = Timing(queued=1.0, processing=9.0)
        async with open_wire(Path(folder), speed=1.0, render=_renderer(AT_ONCE_SIZE), timing=timing) as wire:
            await asyncio.sleep(2)
            bot = psutil.Process(wire.process.pid)
            idle = bot.memory_info().rss
            for seed in range(1, AT_ONCE + 1):
                await wire.ask(seed)
            peak = idle
            started = time.monotonic()
            while sum(wire.discord.posted_videos().values()) < AT_ONCE:
                peak = max(peak, bot.memory_info().rss)
                assert time.monotonic() - started < 240, "the videos never came"
                await asyncio.sleep(0.02)
    above = (peak - idle) / 1024 / 1024
    return Figure(
        "posting",
        f"memory above idle, {AT_ONCE} results of {AT_ONCE_SIZE} MB at once",
        "MiB",
        (above,),
        f"under {MEMORY_GOAL:g} MiB",
        above < MEMORY_GOAL,
    )


def _renderer(size: int) -> Any:
    content = os.urandom(size * MEGABYTE)

    def render(_: Sequence[bytes], __: Sequence[bytes], ___: int, ____: int, target: Path) -> None:
        target.write_bytes(content)

    return render


@contextmanager
def _successes() -> Iterator[dict[str, float]]:
    """Note for each request when the stand-in has first said that it is finished."""
    told: dict[str, float] = {}
    original = Request.record

    def record(request: Request, now: Any) -> dict[str, Any]:
        found = original(request, now)
        if found["status"] == "success":
            told.setdefault(request.request_id, time.monotonic())
        return found

    with mock.patch.object(Request, "record", record):
        yield told

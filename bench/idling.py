"""What the bot costs while there is nothing to do, beside a bot that can do nothing."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from statistics import median

import psutil

from bench.figure import Figure
from fakes.process import open_wire

CPU_GOAL, MEMORY_GOAL = 1.5, 120.0
RATIO_GOAL = 1.25  # of the bare bot's wake-ups, which are the gateway's heartbeat
SETTLE, WATCHED = 3.0, 20.0  # seconds


def figures(repeat: int) -> list[Figure]:
    """Measure the real process and the bare one in turn."""
    ours: list[tuple[float, float, float]] = []
    bare: list[tuple[float, float, float]] = []
    for _ in range(repeat):
        for module, found in (("bench.bare", bare), ("bot", ours)):
            found.append(asyncio.run(_idle(module)))
    figures = []
    for position, (what, unit, goal, limit) in enumerate(
        (
            ("CPU from import to ready", "s", f"under {CPU_GOAL} s", CPU_GOAL),
            ("idle memory", "MiB", f"under {MEMORY_GOAL:g} MiB", MEMORY_GOAL),
            ("wake-ups a minute", "1/min", f"at most {RATIO_GOAL} times bare", None),
        )
    ):
        values = tuple(each[position] for each in ours)
        beside = tuple(each[position] for each in bare)
        most = RATIO_GOAL * median(beside) if limit is None else limit
        reached = median(values) <= most
        figures.append(Figure("idle", what, unit, values, goal, reached, "a bot that only defers", beside))
    return figures


async def _idle(module: str) -> tuple[float, float, float]:
    """Return the seconds of CPU up to ready, the memory in MiB, and the wake-ups a minute."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_wire(Path(folder), speed=1.0, module=module) as wire:
            process = psutil.Process(wire.process.pid)
            times = process.cpu_times()
            await asyncio.sleep(SETTLE)
            before = _switches(wire.process.pid)
            await asyncio.sleep(WATCHED)
            wakes = _switches(wire.process.pid) - before
            memory = process.memory_info().rss / 1024 / 1024
            return times.user + times.system, memory, wakes / WATCHED * 60


def _switches(pid: int) -> int:
    """Return how often any thread of a process has given up its core by itself."""
    found = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        line = next(each for each in status.read_text().splitlines() if each.startswith("voluntary_ctxt"))
        found += int(line.split()[1])
    return found

"""How soon 200 members who ask at once get their first answer, and how long the loop stands still."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from statistics import median, quantiles

from PIL import Image

from bench.figure import Figure
from fakes import media
from fakes.clock import until
from fakes.discord.model import Slash
from fakes.process import Wire, open_wire

MEMBERS = 200
ANSWER_GOAL = 0.5  # seconds
RATIO_GOAL = 1.25
PAUSE_GOAL = 0.05  # seconds
LARGE = 20 * 1024 * 1024  # bytes of a picture


def figures(repeat: int) -> list[Figure]:
    """Measure the real process and the bare one in turn."""
    return asyncio.run(_measure(repeat))


@dataclass(slots=True)
class Bursts:
    """What was measured of one module, burst after burst."""

    answers: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)


async def _measure(repeat: int) -> list[Figure]:
    bare, ours = Bursts(), Bursts()
    large: list[float] = []
    for _ in range(repeat):
        for module, bursts in (("bench.bare", bare), ("bot", ours)):
            with tempfile.TemporaryDirectory() as folder:
                p99, pause, with_large = await _run(Path(folder), module)
            bursts.answers.append(p99)
            bursts.pauses.append(pause)
            if with_large is not None:
                large.append(with_large)
    return _compared(ours, bare, large)


def _compared(ours: Bursts, bare: Bursts, large: list[float]) -> list[Figure]:
    ratio = median(ours.answers) / median(bare.answers)
    return [
        Figure(
            "answer",
            f"p99 of the first answer, {MEMBERS} at once",
            "s",
            tuple(ours.answers),
            f"under {ANSWER_GOAL} s and at most {RATIO_GOAL} times bare",
            median(ours.answers) < ANSWER_GOAL and ratio <= RATIO_GOAL,
            "a bot that only defers",
            tuple(bare.answers),
        ),
        Figure(
            "answer",
            "longest pause of the loop in that burst",
            "s",
            tuple(ours.pauses),
            f"under {PAUSE_GOAL} s",
            median(ours.pauses) < PAUSE_GOAL,
            "a bot that only defers",
            tuple(bare.pauses),
            "" if median(ours.pauses) < PAUSE_GOAL else "so long discord.py itself takes to read the burst",
        ),
        Figure(
            "answer",
            "longest pause while a picture of 20 MiB and a clip are read",
            "s",
            tuple(large),
            f"under {PAUSE_GOAL} s",
            median(large) < PAUSE_GOAL,
        ),
    ]


async def _run(folder: Path, module: str) -> tuple[float, float, float | None]:
    """Return the p99 of the answers, the longest pause in the burst, and the one with large files."""
    pauses = folder / "pauses"
    async with open_wire(
        folder, speed=1.0, module="bench.watched", BENCH_MODULE=module, BENCH_PAUSES=str(pauses)
    ) as wire:
        await asyncio.sleep(2)  # what is done once at the start is over
        pauses.unlink(missing_ok=True)
        picture = media.picture()
        slashes = await asyncio.gather(*(_ask(wire, seed, picture) for seed in range(1, MEMBERS + 1)))
        await until(lambda: all(each.answered_after is not None for each in slashes), "all answers", 60)
        answers = [each.answered_after or 0.0 for each in slashes]
        pause = float(pauses.read_text())
        large = None
        if module == "bot":
            done = [str(each.id) for each in slashes]
            await until(lambda: len(wire.cloud.requests) == len(done), "all requests", 120)
            await asyncio.sleep(2)
            pauses.unlink(missing_ok=True)
            slash = await wire.ask(
                MEMBERS + 1, image1=("large.png", _noise()), video1=("run.mp4", media.clip(8.0))
            )
            await until(lambda: len(wire.cloud.requests) > len(done), f"the large one: {slash.id}", 60)
            large = float(pauses.read_text())
        return quantiles(answers, n=100)[98], pause, large


async def _ask(wire: Wire, seed: int, picture: bytes) -> Slash:
    return await wire.ask(seed, image1=("fox.png", picture))


def _noise() -> bytes:
    """Return a picture that cannot be compressed."""
    side = int((LARGE / 3) ** 0.5)
    target = BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(target, "PNG", compress_level=0)
    return target.getvalue()

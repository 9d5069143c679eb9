"""Crash the bot for minutes on end and count: `python -m tests.process.soak --minutes 5 --seed 1`.

First at each checkpoint of one job, then at random moments over many jobs while both servers misbehave.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from fakes.process import open_wire
from tests.process.crash import SPEED, Crasher, Tally

LANES = 2  # processes at once
MOST_JOBS = 8  # in one round
ROUNDS = 10  # after which everything has to settle


async def each_checkpoint(lane: int, seed: int) -> Tally:
    """Kill the process at every checkpoint that falls to this lane."""
    with tempfile.TemporaryDirectory(prefix="vidu-soak-") as folder:
        async with open_wire(Path(folder), speed=SPEED) as wire:
            crasher = Crasher(wire, random.Random(seed), first_seed=1)
            # The number differs by a status question or two from job to job: go on until none is left.
            crossing, left = lane + 1, True
            while left:
                place = await crasher.kill_at(crossing)
                left = place is not None
                say(f"checkpoint {crossing}: {place or 'the job had ended'}")
                crossing += LANES
            await crasher.settle()
            return crasher.count()


async def random_moments(seed: int, end: float) -> Tally:
    """Kill the process at random moments until the time is up."""
    total, chance = Tally(), random.Random(seed)
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory(prefix="vidu-soak-") as folder:
            async with open_wire(Path(folder), speed=SPEED) as wire:
                crasher = Crasher(wire, chance, first_seed=1001)
                for _ in range(ROUNDS):
                    await crasher.random_round(MOST_JOBS, faults=True)
                await crasher.settle()
                total.add(crasher.count())
                say(f"so far: {total}")
    return total


async def soak(minutes: float, seed: int) -> Tally:
    """Run both parts and return what was counted."""
    end = time.monotonic() + minutes * 60
    total = Tally()
    for tally in await asyncio.gather(*(each_checkpoint(lane, seed + lane) for lane in range(LANES))):
        total.add(tally)
    say(f"every checkpoint: {total}")
    for tally in await asyncio.gather(*(random_moments(seed + lane, end) for lane in range(LANES))):
        total.add(tally)
    return total


def say(text: str) -> None:
    """Show how far it is."""
    print(text, flush=True)


def main() -> int:
    """Return 1 if a guarantee was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.process.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="how long random crashes go on")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is chosen at random")
    arguments = parser.parse_args()
    total = asyncio.run(soak(arguments.minutes, arguments.seed))
    say(str(total))
    return 1 if total.broken else 0


if __name__ == "__main__":
    sys.exit(main())

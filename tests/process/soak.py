"""Crash the bot for minutes on end and count: `python -m tests.process.soak --minutes 5 --seed 1`.

With `--processes 3` so many share the work on one Postgres; they are killed, frozen and updated.
Else first at each checkpoint of one job, then at random moments over many jobs while both servers misbehave.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from fakes.fleet import TURN, open_fleet
from fakes.process import open_wire
from tests.process.crash import SPEED, Crasher, Tally
from tests.process.fleet_crash import SPEED as FLEET_SPEED
from tests.process.fleet_crash import FleetCrasher

LANES = 2  # processes at once
MOST_JOBS = 8  # in one round
DISTURBANCES = ("kill", "update", "kill", "kill", "freeze", "update")
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


async def fleet(processes: int, seed: int, end: float, *, speed: float, updates_only: bool) -> Tally:
    """Kill, freeze and update processes that share the work, until the time is up."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="vidu-soak-") as folder:
        async with open_fleet(Path(folder), processes, servers=2 * processes, speed=speed) as opened:
            crasher = FleetCrasher(opened, chance, spoils=not updates_only)
            await crasher.start()
            kinds = itertools.cycle(("update",) if updates_only else DISTURBANCES)
            while time.monotonic() < end:
                await crasher.disturb(next(kinds), MOST_JOBS)
                if updates_only:
                    await asyncio.sleep(TURN)  # else the next slot waits for the sessions of the last one
                say(
                    f"so far: {crasher.tally.jobs} jobs, {crasher.tally.kills} kills, "
                    f"{crasher.tally.updates} updates"
                )
            total = await crasher.finish()
    for kind, seconds in crasher.take_overs.items():
        if seconds:
            say(f"first shard back after {kind}: at most {max(seconds):.1f} s, in {len(seconds)} times")
    delays = crasher.delays()
    say(
        "posted after GMI's end, or after the slot was back if that was later: "
        f"{median(delays):.1f} s in the middle, at most {max(delays):.1f} s, in {len(delays)} videos; "
        f"the bot's clock ran {speed:g} times as fast"
    )
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
    parser.add_argument("--processes", type=int, default=1, help="that share the work on one Postgres")
    parser.add_argument("--speed", type=float, default=FLEET_SPEED, help="of the clock of several processes")
    parser.add_argument("--updates-only", action="store_true", help="update several processes, in good order")
    arguments = parser.parse_args()
    if arguments.processes > 1:
        end = time.monotonic() + arguments.minutes * 60
        work = fleet(
            arguments.processes,
            arguments.seed,
            end,
            speed=arguments.speed,
            updates_only=arguments.updates_only,
        )
        total = asyncio.run(work)
    else:
        total = asyncio.run(soak(arguments.minutes, arguments.seed))
    say(str(total))
    return 1 if total.broken else 0


if __name__ == "__main__":
    sys.exit(main())

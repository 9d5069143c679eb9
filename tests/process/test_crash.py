"""Kill the process at any checkpoint of a job, and at random moments: nothing is lost, nothing is twice.

`python -m tests.process.soak` goes on for longer and leaves no checkpoint out.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from fakes.clock import until
from fakes.gmi.script import SILENCE
from fakes.media import picture
from fakes.process import Wire, open_wire
from tests.process.crash import SPEED, Crasher, Tally

SEED = 20
CHECKPOINTS = 8
ROUNDS = 3
MOST_JOBS = 4
# Between these a crash leaves most to find out: what may have been paid for, what may have been posted.
TELLING = (
    "before GmiCloud.submit",
    "after GmiCloud.submit",
    "before Delivery.deliver",
    "after Delivery.deliver",
)


async def at_checkpoints(folder: Path) -> Tally:
    chance = random.Random(SEED)
    async with open_wire(folder, speed=SPEED) as wire:
        crasher = Crasher(wire, chance, first_seed=1)
        trace = await crasher.trace()
        telling = [trace.index(name) + 1 for name in TELLING]
        others = [crossing for crossing in range(1, len(trace) + 1) if crossing not in telling]
        for crossing in [*telling, *chance.sample(others, CHECKPOINTS - len(telling))]:
            await crasher.kill_at(crossing)
        await crasher.settle()
        return crasher.count()


async def at_random_moments(folder: Path, *, faults: bool) -> Tally:
    async with open_wire(folder, speed=SPEED) as wire:
        crasher = Crasher(wire, random.Random(SEED), first_seed=1001)
        for _ in range(ROUNDS):
            await crasher.random_round(MOST_JOBS, faults)
        await crasher.settle()
        return crasher.count()


@pytest.mark.long
async def test_a_crash_at_any_moment_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("checkpoints", "moments", "faults")]
    for folder in folders:
        folder.mkdir()

    tallies = await asyncio.gather(
        at_checkpoints(folders[0]),
        at_random_moments(folders[1], faults=False),
        at_random_moments(folders[2], faults=True),
    )

    for tally in tallies:
        assert tally.lost == []
        assert tally.paid_twice == []
        assert tally.posted_twice == []
        assert tally.other == []
        assert tally.waiting == []
        assert tally.kills >= ROUNDS
        assert tally.posted > 0


async def test_a_crash_before_the_first_card_leaves_nobody_waiting(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=SPEED) as wire:
        crasher = Crasher(wire, random.Random(SEED), first_seed=1)
        trace = await crasher.trace()

        for checkpoint in ("before JobStore.add", "before GmiCloud.submit"):
            await crasher.kill_at(trace.index(checkpoint) + 1)

        await crasher.settle()
        assert crasher.count().waiting == []


def links_of(wire: Wire, seed: int) -> list[str]:
    """Return whose links the requests of a seed had that GMI Cloud took in."""
    images = [each.payload["images"] for each in wire.cloud.requests.values() if each.payload["seed"] == seed]
    return ["uploaded" if wire.cloud.uploads.content(link) else "Discord's" for [link] in images]


async def test_a_kill_between_the_two_requests_of_a_job_pays_once_and_loses_nothing(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=SPEED) as wire:
        cloud = wire.cloud
        cloud.unreadable = ("/attachments/",)  # so every file is uploaded, and every job sent once more
        cloud.fault("POST", "/upload-url", SILENCE)
        await wire.ask(1)
        await until(
            lambda: any(seen.path.endswith("/upload-url") for seen in cloud.requests_seen), "an upload"
        )
        await wire.ask(2, image1=("owl.png", picture(400)))
        await until(lambda: wire.submissions(2) == 1, "its first request")
        cloud.fault("POST", "/requests", SILENCE)
        await until(lambda: wire.submissions(2) == 2, "its second request, whose answer never comes")
        assert wire.submissions(1) == 1

        await wire.process.kill()
        await wire.start()

        for seed in (1, 2):
            await wire.posted(seed)
            assert links_of(wire, seed) == ["Discord's", "uploaded"]
        assert wire.discord.posted_videos() == {"vidu-1.mp4": 1, "vidu-2.mp4": 1}
        assert {row.charge for row in wire.jobs()} == {"settled"}


async def test_who_waits_for_a_place_when_the_process_is_killed_is_sent_by_the_next(tmp_path: Path) -> None:
    async with open_wire(tmp_path, speed=SPEED) as wire:
        # GMI takes eight in and does not answer: nobody can know of them, and of the ninth everybody can.
        wire.cloud.fault("POST", "/requests", SILENCE.repeated(8))
        seeds = range(501, 511)
        for seed in seeds:
            await wire.ask(seed)
        await until(lambda: wire.cloud.paid == 8 and len(wire.jobs()) == 10, "ten jobs, eight on their way")

        await wire.process.kill()
        await wire.start()

        for seed in seeds:
            await wire.posted(seed)
        assert [wire.submissions(seed) for seed in seeds] == [1] * 10

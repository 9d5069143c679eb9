"""What several processes on one Postgres give: how soon another takes over, and how fast it writes."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench.figure import Figure
from bench.holding import open_job
from bot.models.states import State
from bot.storage.storage import Storage, TimeLimits
from fakes import postgres
from fakes.clock import until
from fakes.fleet import Fleet, open_fleet

KILLED_GOAL, TOLD_GOAL = 13.0, 3.0  # seconds until the first shard of a slot is back
OLD_SESSION = 6.0  # seconds: before that Discord lets no other session begin, whoever asks
JOBS, WRITERS = 2_000, 20  # saves, and how many of them at a time


def figures(repeat: int) -> list[Figure]:
    """Measure take-overs between real processes, and saves on both databases."""
    try:
        killed, told = asyncio.run(_take_overs(max(1, repeat // 2)))
        rows = [(asyncio.run(_saves_on_postgres()), asyncio.run(_saves_on_sqlite())) for _ in range(repeat)]
    finally:
        postgres.stop()
    on_postgres, on_sqlite = zip(*rows, strict=True)
    saves = Figure(
        "machines",
        "saves of jobs on Postgres",
        "1/s",
        on_postgres,
        "at least as many as on SQLite",
        beside="SQLite",
        beside_runs=on_sqlite,
    )
    return [
        _figure("first shard back after kill -9", killed, KILLED_GOAL),
        _figure("first shard back after SIGTERM", told, TOLD_GOAL),
        replace(saves, reached=saves.ratio is not None and saves.ratio >= 1),
    ]


def _figure(what: str, runs: list[float], limit: float) -> Figure:
    return Figure("machines", what, "s", tuple(runs), f"at most {limit:g} s", max(runs) <= limit)


async def _take_overs(repeat: int) -> tuple[list[float], list[float]]:
    """Return how long the first shard of a slot was away after kill -9, and after SIGTERM."""
    killed, told = [], []
    with tempfile.TemporaryDirectory() as folder:
        async with open_fleet(Path(folder), 2, speed=1.0) as fleet:
            await fleet.start("a", "b", "c")
            await fleet.connected()
            for number in range(repeat):
                killed.append(await _away(fleet, f"d{number}", kill=True))
                told.append(await _away(fleet, f"e{number}", kill=False))
    return killed, told


async def _away(fleet: Fleet, next_name: str, *, kill: bool) -> float:
    """End the process of a slot, and return when another one has begun its session."""
    await asyncio.sleep(OLD_SESSION)
    member = fleet.members[fleet.holder(1)]
    gateway = fleet.wire.discord.gateway
    before, began = len(gateway.identifies), time.monotonic()
    ending = asyncio.create_task(member.kill() if kill else member.stop())
    await until(lambda: len(gateway.identifies) > before, fleet.logs, 60)
    seconds = gateway.identifies[before].at - began
    await ending
    await fleet.start(next_name)
    return seconds


async def _saves_on_postgres() -> float:
    with postgres.run_postgres(durable=True) as server:
        return await _saves(server.url(await server.create()))


async def _saves_on_sqlite() -> float:
    with tempfile.TemporaryDirectory() as folder:
        return await _saves(f"sqlite+aiosqlite:///{folder}/vidu.db")


async def _saves(url: str) -> float:
    """Return how many changes of jobs are saved per second while many are under way."""
    patient = TimeLimits(interactive=60, new_job=60, background=60)
    storage = await Storage.open(url, patient)
    lease = await storage.leases.take("slot 0", "bench", 3600)
    assert lease is not None
    storage.leases.guard_writes(lease)  # as every write of the bot is
    now = datetime.now(UTC)
    for number in range(1, WRITERS + 1):
        await storage.jobs.add(open_job(number, now))

    async def write(number: int) -> None:
        job = open_job(number, now)
        for revision in range(JOBS // WRITERS):
            changed = replace(job, revision=revision + 1, state=State.PROCESSING)
            await storage.jobs.save(changed, previous=revision)

    began = time.perf_counter()
    await asyncio.gather(*(write(number) for number in range(1, WRITERS + 1)))
    seconds = time.perf_counter() - began
    await storage.close()
    return JOBS / seconds

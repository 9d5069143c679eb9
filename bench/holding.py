"""What ten thousand jobs in flight cost, beside a hundred and a thousand: the cost of one must not grow."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles

import psutil

from bench.figure import Figure
from bot.clock import SystemClock
from bot.jobs.active import ActiveJobs
from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Job
from bot.models.quotas import Rule
from bot.models.requests import Reference, VideoRequest
from bot.models.states import State
from bot.quotas.limiter import QuotaLimiter
from bot.storage.job_rows import job_to_row
from bot.storage.schema import jobs
from bot.storage.storage import Storage
from fakes.discord.model import CHANNEL_ID, GUILD_ID
from fakes.gmi.request import Request, Timing
from fakes.gmi.script import Outcome
from fakes.process import Wire, open_wire

NUMBERS = (100, 1_000, 10_000)
SETTLE, WATCHED = 8.0, 15.0  # seconds
TRANSITIONS = 500
MEMORY_GOAL, CPU_GOAL, START_GOAL, TRANSITION_GOAL, REQUESTS_GOAL = 6.0, 25.0, 3.0, 0.020, 60.0
MODEL = "vidu-q2-pro-r2v"


@dataclass(frozen=True, slots=True)
class Held:
    """What a number of open jobs cost."""

    memory: int  # bytes
    cpu: float  # per cent of one core
    start: float  # seconds from the process's begin to its gateway session
    requests: float  # to GMI a minute


def figures(_: int) -> list[Figure]:
    """Measure real processes that take over databases full of open jobs."""
    idle = asyncio.run(_hold(0))
    found: list[Figure] = []
    for number in NUMBERS:
        held = asyncio.run(_hold(number))
        found += _compare(number, held, idle)
    return found


def _compare(number: int, held: Held, idle: Held) -> list[Figure]:
    last = number == NUMBERS[-1]
    memory = (held.memory - idle.memory) / number / 1024
    transition = asyncio.run(_transitions(number))

    def figure(what: str, unit: str, value: float, goal: float) -> Figure:
        judged = (f"at most {goal:g} {unit}", value <= goal) if last else ("", None)
        return Figure("holding", f"{what}, {number:,} jobs", unit, (value,), *judged)

    return [
        figure("memory a job above idle", "KiB", memory, MEMORY_GOAL),
        figure("of one core", "%", held.cpu, CPU_GOAL),
        figure("start to gateway session", "s", held.start, START_GOAL),
        figure("requests to GMI", "1/min", held.requests, REQUESTS_GOAL),
        figure("p99 of a saved transition", "s", transition, TRANSITION_GOAL),
    ]


async def _hold(number: int) -> Held:
    with tempfile.TemporaryDirectory() as folder:
        async with open_wire(Path(folder), speed=1.0, start=False) as wire:
            await _fill(wire, number)
            began = time.monotonic()
            await wire.start()
            start = time.monotonic() - began
            bot = psutil.Process(wire.process.pid)
            await asyncio.sleep(SETTLE)
            asked, before, moment = len(wire.cloud.requests_seen), bot.cpu_times(), time.monotonic()
            await asyncio.sleep(WATCHED)
            after, seconds = bot.cpu_times(), time.monotonic() - moment
            used = after.user + after.system - before.user - before.system
            return Held(
                bot.memory_info().rss,
                used / seconds * 100,
                start,
                (len(wire.cloud.requests_seen) - asked) / seconds * 60,
            )


async def _fill(wire: Wire, number: int) -> None:
    """Give the database and the stand-in so many requests that are being rendered."""
    now = datetime.now(UTC)
    url = f"sqlite+aiosqlite:///{wire.storage}"
    storage = await Storage.open(url)
    rendering = [open_job(each, now) for each in range(1, number + 1)]
    if rendering:
        async with storage.database.transaction() as connection:
            await connection.execute(jobs.insert(), [job_to_row(job) for job in rendering])
    await storage.close()
    for job in rendering:
        assert job.request_id is not None
        wire.cloud.requests[job.request_id] = Request(
            job.request_id,
            job.model,
            job.request.payload(),
            now,
            Outcome(),
            Timing(queued=0.0, processing=1e6),
            wire.cloud.base_url,
        )


async def _transitions(number: int) -> float:
    """Return the p99 of the seconds that a change takes beside so many open jobs."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        storage = await Storage.open(f"sqlite+aiosqlite:///{folder}/vidu.db")
        rendering = [open_job(each, now) for each in range(1, number + 1)]
        async with storage.database.transaction() as connection:
            await connection.execute(jobs.insert(), [job_to_row(job) for job in rendering])
        open_jobs = ActiveJobs(storage, QuotaLimiter(Rule(5, None), 2), SystemClock())
        for job in rendering:
            open_jobs.add(job)
        taken = []
        for turn in range(TRANSITIONS):
            job_id = turn % number + 1
            state = State.QUEUED if open_jobs[job_id].state is State.PROCESSING else State.PROCESSING
            began = time.perf_counter()
            await open_jobs.transition(job_id, state)
            taken.append(time.perf_counter() - began)
        await storage.close()
    return quantiles(taken, n=100)[98]


def open_job(number: int, now: datetime) -> Job:
    """Return a job whose video is being made."""
    reference = Reference(Kind.IMAGE, "fox.png", f"https://cdn.example.invalid/{number}/fox.png", 9, 320, 240)
    request = VideoRequest(f"a fox in the snow {number}", (reference,), 5, number)
    location = CardLocation(CHANNEL_ID, GUILD_ID, 4, "fake-token", now + timedelta(minutes=15))
    job = Job(number, number, location, request, MODEL, now, State.PROCESSING, state_since=now)
    return replace(job, request_id=f"request-{number}")

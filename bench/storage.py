"""What a long history costs: a million jobs that ended within a month, the longest period of any quota."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figure import Figure
from bot.models.budgets import Budget, BudgetScope
from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Charge, Job
from bot.models.quotas import Period, Rule
from bot.models.requests import Reference, VideoRequest
from bot.models.states import Reason, State
from bot.storage.columns import to_micros
from bot.storage.job_rows import job_to_row
from bot.storage.storage import Storage, TimeLimits
from fakes.process import open_wire

NUMBER = 1_000_000
SPAN = timedelta(days=30)
SERVERS = 100
SERVER, MEMBER = 1, 7  # a server, and a member with a hundredth of all jobs
READY_GOAL, MEMORY_GOAL, ANSWER_GOAL = 3.0, 150.0, 50.0  # seconds, MiB, milliseconds
MODEL = "vidu-q2-pro-r2v"
MONTHLY = Rule(10**9, 10**9, Period.MONTH)  # limits that nobody reaches: all that counts is counted


def figures(repeat: int) -> list[Figure]:
    """Fill a database once, then start real processes on it and ask it what commands ask."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vidu.db"
        asyncio.run(fill(path, NUMBER))
        starts = [asyncio.run(_start(Path(folder))) for _ in range(repeat)]
        ready, memory = zip(*starts, strict=True)
        found = [
            _figure("start to gateway session", "s", ready, READY_GOAL),
            _figure("most memory of the start", "MiB", memory, MEMORY_GOAL),
        ]
        return found + asyncio.run(_answers(path, repeat))


def _figure(what: str, unit: str, runs: tuple[float, ...], limit: float) -> Figure:
    figure = Figure("storage", what, unit, runs, f"under {limit:g} {unit}")
    return replace(figure, reached=figure.median < limit)


async def fill(path: Path, number: int) -> None:
    """Write so many ended jobs: every tenth failed."""
    await (await Storage.open(f"sqlite+aiosqlite:///{path}")).close()
    row = job_to_row(_delivered())
    reference = Reference(Kind.IMAGE, "fox.png", f"https://cdn.example.invalid/{'a' * 200}.png", 9, 320, 240)
    row |= {"reference_list": json.dumps([asdict(reference)])}
    row |= {"results": '["https://storage.example.invalid/a/video.mp4"]'}
    end = to_micros(datetime.now(UTC))
    step = SPAN // timedelta(microseconds=1) // number
    varied = {
        "id": "n",
        "created_at": f"{end} - ({number} - n) * {step}",
        "since": f"{end} - ({number} - n) * {step} + 60000000",
        "user_id": f"CASE WHEN n % 100 = 50 THEN {MEMBER} ELSE 1000 + n % 5000 END",
        "guild_id": f"n % {SERVERS}",
        "quota_guild_id": f"n % {SERVERS}",
        "seed": "n",
        "request_id": "'request-' || n",
        "state": "CASE WHEN n % 10 = 3 THEN 'failed' ELSE 'delivered' END",
        "reason": f"CASE WHEN n % 10 = 3 THEN '{Reason.FAILED}' END",
        "charge": "CASE WHEN n % 10 = 3 THEN 'refunded' ELSE 'settled' END",
    }
    names = list(row)
    values = [varied.get(name, "?") for name in names]
    same = [row[name] for name in names if name not in varied]
    numbers = f"numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {number})"  # noqa: S608 - of this file
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        insert = f"INSERT INTO jobs ({', '.join(names)}) SELECT {', '.join(values)} FROM numbers"  # noqa: S608 - of this file
        connection.execute(f"WITH RECURSIVE {numbers} {insert}", same)


async def _start(folder: Path) -> tuple[float, float]:
    """Return the seconds from a process's begin to its gateway session, and the most memory until then."""
    async with open_wire(folder, speed=1.0, start=False, BUDGET_SECONDS="1000000000") as wire:
        began = time.monotonic()
        await wire.start()
        seconds = time.monotonic() - began
        status = Path(f"/proc/{wire.process.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return seconds, int(peak.split()[1]) / 1024


async def _answers(path: Path, repeat: int) -> list[Figure]:
    """Measure what members and moderators wait for."""
    storage = await Storage.open(f"sqlite+aiosqlite:///{path}", TimeLimits(interactive=20, new_job=20))
    store, now = storage.jobs, datetime.now(UTC)
    budgets = [
        Budget(BudgetScope.OWN, MONTHLY, SERVER),
        Budget(BudgetScope.SERVER, MONTHLY, SERVER),
        Budget(BudgetScope.BOT, replace(MONTHLY, per=Period.DAY)),
    ]
    last = await store.count_of_user(MEMBER) - 5
    fresh = iter(range(NUMBER + 1, NUMBER + 1000))

    async def page(offset: int) -> None:
        await store.count_of_user(MEMBER)
        await store.of_user(MEMBER, limit=5, offset=offset)

    async def usage() -> None:
        await storage.quotas.usage(SERVER, now - Period.MONTH.length)

    async def insert() -> None:
        number = next(fresh)
        job = replace(_delivered(), id=number, created_at=datetime.now(UTC), state=State.SUBMITTING)
        assert await store.add(job, budgets)

    measured: dict[str, Callable[[], Awaitable[None]]] = {
        "first page of /videos": lambda: page(0),
        "last page of /videos": lambda: page(last),
        "/quota usage per month": usage,
        "insert within ceilings (server: month, bot: day)": insert,
    }
    found = []
    for what, ask in measured.items():
        runs = []
        for _ in range(max(repeat, 5)):
            began = time.perf_counter()
            await ask()
            runs.append((time.perf_counter() - began) * 1000)
        found.append(_figure(what, "ms", tuple(runs), ANSWER_GOAL))
    await storage.close()
    return found


def _delivered() -> Job:
    now = datetime.now(UTC)
    reference = Reference(Kind.IMAGE, "fox.png", "https://cdn.example.invalid/fox.png", 9, 320, 240)
    request = VideoRequest(
        "a fox in the snow, slowly turning its head, soft morning light", (reference,), 5, 1
    )
    location = CardLocation(3, SERVER, 4)
    job = Job(1, MEMBER, location, request, MODEL, now, State.DELIVERED, state_since=now)
    return replace(job, quota_guild_id=SERVER, charge=Charge.SETTLED, acknowledged=True, request_id="request")

"""Two processes that share the work on one Postgres, as far as they tell each other anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

import aiohttp

from bot.clock import SystemClock
from bot.delivery.sender import Delivery
from bot.gmi.client import GmiCloud as Client
from bot.gmi.rate import RequestRate
from bot.jobs.processes.actions import JobActions
from bot.jobs.processes.exchange import Exchange
from bot.jobs.service import JobService
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.media.uploads import ReferenceUploads
from bot.models.jobs import Job
from bot.models.quotas import Rule
from bot.models.reference_links import ReferencesVia
from bot.models.shards import share_of
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.warnings import BudgetWarnings
from bot.slots.slot import Slot, SlotState
from bot.storage.storage import Storage, TimeLimits
from bot.tasks import Tasks
from fakes.gmi.cloud import GmiCloud
from fakes.world import FAKE_KEY
from tests.unit.jobs.service import no_picture
from tests.unit.jobs.stage import DEADLINE, MODEL, START, RecordingDelivery, StageCdn, new_job

SPEED = 3.0  # seconds of the bot in a real one
OTHER = 1  # the shard and the number of the second process; direct messages arrive at the first


class FastClock:
    """Time that passes so fast that nobody in a test waits long."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        return START + timedelta(seconds=(time.monotonic() - self._began) * SPEED)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await SystemClock().wait(event, None if seconds is None else seconds / SPEED)


class HeldSlot(Slot):
    """One of two slots, which nobody takes away."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.share, self.live_processes, self.state = share_of(number, 2, 2), 2, SlotState.HOLDING

    def open_storage(self, *_: object, **__: object) -> asyncio.Timeout:  # type: ignore[override]
        raise NotImplementedError

    def is_held(self) -> bool:
        return True

    async def confirm(self) -> bool:
        return True

    async def wait_to_identify(self, bucket: int, *, first: bool) -> None:
        raise NotImplementedError

    async def wait_lost(self) -> str:
        raise NotImplementedError


@dataclass
class Process:
    """What a process consists of here."""

    jobs: JobService
    storage: Storage
    delivery: RecordingDelivery
    actions: JobActions
    rate: RequestRate
    clock: FastClock
    tasks: Tasks

    async def stored(self, job_id: int) -> Job:
        job = await self.storage.jobs.get(job_id)
        assert job is not None
        return job


@asynccontextmanager
async def open_process(
    url: str, cloud: GmiCloud, number: int, *, resume: bool = True
) -> AsyncIterator[Process]:
    """Run one of two processes."""
    clock, slot, delivery = FastClock(), HeldSlot(number), RecordingDelivery()
    tasks, quotas = Tasks(clock), QuotaLimiter(Rule(10, None), 10)
    rate = RequestRate(clock, 60, lambda: slot.live_processes)
    storage = await Storage.open(url, TimeLimits(interactive=20))
    async with aiohttp.ClientSession() as session:
        gmi = Client(session, cloud.base_url, FAKE_KEY, None)
        uploads = ReferenceUploads(session, gmi, clock)
        jobs = JobService(
            storage=storage,
            quotas=quotas,
            budget_warnings=BudgetWarnings(quotas.budgets, storage.budgets, clock, tasks, None),
            gmi=gmi,
            delivery=cast(Delivery, delivery),
            clock=clock,
            tasks=tasks,
            slot=slot,
            files=ReferenceFiles(StageCdn(), uploads, no_picture, cast(Delivery, delivery)),
            references_via=ReferencesVia.AUTO,
            model=MODEL,
            deadline=DEADLINE,
            rate=rate,
            notify_after=None,
        )
        await jobs.open()
        exchange = Exchange(storage=storage, jobs=jobs, rate=rate, slot=slot, clock=clock, tasks=tasks)
        exchange.open()
        if resume:
            jobs.resume()
        try:
            yield Process(jobs, storage, delivery, exchange.actions, rate, clock, tasks)
        finally:
            await tasks.close()
            await storage.close()


def job_elsewhere(job_id: int, **fields: object) -> Job:
    """Return a job of the second process that waits to be sent."""
    waits = {"shard": OTHER, "waiting_until": START + timedelta(days=1)}
    return replace(new_job(job_id=job_id), **(waits | fields))  # type: ignore[arg-type]

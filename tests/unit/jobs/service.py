"""The service of jobs on real storage and the stand-in GMI Cloud, on a clock that only a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import aiohttp

from bot.delivery.sender import Delivery, Upload
from bot.gmi.client import GmiCloud as Client
from bot.gmi.rate import RequestRate
from bot.jobs.service import JobService
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.jobs.submission.starter import Submission
from bot.media.uploads import ReferenceUploads
from bot.models.jobs import Job
from bot.models.quotas import Rule
from bot.models.reference_links import ReferencesVia
from bot.models.states import State
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.warnings import BudgetWarnings
from bot.slots.locked import LockedSlot
from bot.slots.wanted import WantedTopology
from bot.storage.storage import Storage
from bot.tasks import Tasks
from fakes.gmi.cloud import GmiCloud
from fakes.world import FAKE_KEY
from tests.unit.jobs.stage import (
    DEADLINE,
    GUILD,
    JOB,
    LOOKS_MAX,
    MEMBER,
    MODEL,
    PATIENT,
    RecordingDelivery,
    StageCdn,
    StillClock,
    new_job,
)

VIDEOS_A_DAY = 10
PLACES = 8  # POSTs on their way at once


@dataclass
class Service:
    """The service on real storage, with everything that it works with."""

    jobs: JobService
    storage: Storage
    quotas: QuotaLimiter
    delivery: RecordingDelivery
    clock: StillClock
    tasks: Tasks
    released: list[int] = field(default_factory=list)
    looks: int = 0

    def submission(self, job_id: int = JOB, *, seconds: int = 5, spoiler: bool = False) -> Submission:
        job = new_job(self.clock.now(), job_id)
        return Submission(
            job_id,
            MEMBER,
            (),
            GUILD,
            job.location,
            replace(job.request, duration=seconds),
            uploads=(Upload("fox.png", b"a picture"),),
            spoiler=spoiler,
            release=lambda: self.released.append(job_id),
        )

    async def stored(self, job_id: int = JOB) -> Job:
        self.looks += 1
        assert self.looks < LOOKS_MAX, "what the test waits for does not happen"
        job = await self.storage.jobs.get(job_id)
        assert job is not None
        return job

    async def reach(self, state: State, job_id: int = JOB) -> Job:
        """Wait until the job is stored in this state."""
        while (job := await self.stored(job_id)).state is not state:
            pass
        return job

    async def follow(self, job_id: int = JOB) -> Job:
        """Let time pass, from one question about the job to the next, until it is delivered."""
        await self.reach(State.QUEUED, job_id)
        asked = 0
        while (job := await self.stored(job_id)).state is not State.DELIVERED:
            if len(self.clock.waits) > asked:
                asked = len(self.clock.waits)
                self.clock.advance(timedelta(seconds=self.clock.waits[-1]))
        return job

    def used(self) -> tuple[int, int]:
        """Return how many videos count, and how many of them are under way."""
        status = self.quotas.status(GUILD, MEMBER, [], self.clock.now())
        return status.used_videos, status.running


async def no_picture(_: bytes) -> None:
    """Re-encode nothing."""


@asynccontextmanager
async def running(
    database_url: str, cloud: GmiCloud, clock: StillClock, *, notify_after: timedelta | None = None
) -> AsyncIterator[Service]:
    """Run the service on a database, as a process of its own would."""
    slot, delivery, tasks = (
        LockedSlot(database_url, WantedTopology(), clock),
        RecordingDelivery(),
        Tasks(clock),
    )
    quotas = QuotaLimiter(Rule(VIDEOS_A_DAY, None), VIDEOS_A_DAY)
    async with slot.open_storage(PATIENT) as storage, aiohttp.ClientSession() as session:
        gmi = Client(session, cloud.base_url, FAKE_KEY, None)
        uploads = ReferenceUploads(session, gmi, clock)
        jobs = JobService(
            storage=storage,
            quotas=quotas,
            budget_warnings=BudgetWarnings(quotas.budgets, storage.budgets, clock, tasks, None),
            gmi=gmi,
            delivery=cast(Delivery, delivery),
            files=ReferenceFiles(StageCdn(), uploads, no_picture, cast(Delivery, delivery)),
            references_via=ReferencesVia.AUTO,
            clock=clock,
            tasks=tasks,
            slot=slot,
            model=MODEL,
            deadline=DEADLINE,
            rate=RequestRate(clock, 60),
            notify_after=notify_after,
        )
        await jobs.open()
        jobs.resume()
        try:
            yield Service(jobs, storage, quotas, delivery, clock, tasks)
        finally:
            await tasks.close()

"""What the parts of a job's life share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from bot.clock import Clock
from bot.jobs.active import ActiveJobs
from bot.jobs.submission.link_policy import LinkPolicy
from bot.jobs.submission.submit_gate import SubmitGate
from bot.models.jobs import Job
from bot.slots.slot import Slot
from bot.storage.storage import Storage
from bot.tasks import InFlight, Tasks
from bot.telemetry.metrics import NO_METRICS, Metrics

BACKOFF_FIRST, BACKOFF_MAX = 5.0, 300.0  # seconds between attempts when nobody names a time


@dataclass(frozen=True, slots=True)
class JobContext:
    """The open jobs, and what work on them needs."""

    storage: Storage
    jobs: ActiveJobs
    clock: Clock
    tasks: Tasks
    deadline: timedelta  # from the request to the moment at which the member hears that it takes too long
    in_flight: InFlight  # what a stop should let arrive
    gate: SubmitGate
    slot: Slot  # without which nothing may be sent
    link_policy: LinkPolicy
    metrics: Metrics = NO_METRICS

    def is_elsewhere(self, job: Job) -> bool:
        """Tell whether another process works on a job: only that one may change it."""
        return job.id not in self.jobs and job.is_unfinished and not self.slot.serves(job.shard)

    def keep_trying(self, job_id: int, work: Callable[[], Coroutine[Any, Any, object]], name: str) -> None:
        """Do in the background what may be repeated, until it is done or the job is no longer open."""
        self.tasks.persist(
            work,
            f"{name} of job {job_id}",
            wanted=lambda: job_id in self.jobs,
            within=partial(self.jobs.log_lines, job_id),
        )

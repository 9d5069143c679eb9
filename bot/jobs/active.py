"""The open jobs in memory: every change is saved to storage before anyone else hears of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime

from bot.clock import Clock
from bot.jobs.saving import JobSaver
from bot.models.jobs import CardLocation, Charge, IllegalTransition, Job, resubmitted, transition
from bot.models.states import FAILURES, Reason, State
from bot.quotas.limiter import QuotaLimiter
from bot.storage.storage import Storage
from bot.telemetry.job_lines import ids_of, job_lines
from bot.telemetry.metrics import NO_METRICS, Metrics

log = logging.getLogger(__name__)

Condition = Callable[[Job], bool]


@dataclass(slots=True)
class _Slot:
    job: Job
    lock: asyncio.Lock | None = None  # made when it is needed: most of many open jobs only wait


class ActiveJobs:
    """Jobs for which something is still to be done, as they stand."""

    def __init__(
        self, storage: Storage, quotas: QuotaLimiter, clock: Clock, metrics: Metrics = NO_METRICS
    ) -> None:
        self._saver = JobSaver(storage.jobs, clock)
        self._quotas = quotas
        self._clock = clock
        self._metrics = metrics
        self.on_change: Callable[[Job], None] = lambda _: None  # called when one has ended or was deleted
        self._slots: dict[int, _Slot] = {}
        # Held by who takes a job from storage into memory, and by who changes rows that are not in memory.
        self.taking = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, job_id: int) -> bool:
        return job_id in self._slots

    def __getitem__(self, job_id: int) -> Job:
        return self._slots[job_id].job

    def __iter__(self) -> Iterator[Job]:
        return (slot.job for slot in self._slots.values())

    def get(self, job_id: int) -> Job | None:
        """Return a job, or None if it is not open."""
        return self._slots[job_id].job if job_id in self._slots else None

    def add(self, job: Job) -> None:
        """Take in a job that the storage holds."""
        self._slots[job.id] = _Slot(job)

    def drop(self, job_id: int) -> None:
        """Forget a job for which nothing is left to do; the storage keeps it."""
        self._slots.pop(job_id, None)

    @contextmanager
    def log_lines(self, job_id: int) -> Iterator[None]:
        """Let every line that is logged in this block carry the IDs of a job, if it is open."""
        slot = self._slots.get(job_id)
        with nullcontext() if slot is None else job_lines(lambda: ids_of(slot.job)):
            yield

    async def transition(
        self,
        job_id: int,
        state: State,
        *,
        only_if: Condition | None = None,
        reason: Reason | None = None,
        detail: str | None = None,
        request_id: str | None = None,
        results: tuple[str, ...] = (),
        location: CardLocation | None = None,
        refetch_until: datetime | None = None,
        acknowledged: bool = False,
        cancelled_by: int | None = None,
    ) -> Job:
        """Move a job to another state: the only place that does.

        An ID, results and a location that are not given stay as they are. Raises IllegalTransition, also
        where the condition does not hold when it comes to it.
        """
        # Long, because every field is named: a dictionary of changes would hide them from the type checker.
        now = self._clock.now()

        def moved(job: Job) -> Job:
            return transition(
                job,
                state,
                now,
                reason=reason,
                detail=detail,
                request_id=request_id,
                results=results,
                location=location,
                refetch_until=refetch_until,
                acknowledged=acknowledged,
                cancelled_by=cancelled_by,
            )

        return await self._save_change(job_id, moved, only_if)

    async def resubmit(self, job_id: int, *, request_id: str | None, detail: str | None = None) -> Job:
        """Let a job wait to be sent once more, as `resubmitted` says: the intent of its second POST."""
        now = self._clock.now()

        def again(job: Job) -> Job:
            return resubmitted(job, now, request_id=request_id, detail=detail)

        return await self._save_change(job_id, again, None)

    async def update(
        self, job_id: int, change: Callable[[Job], Job], *, only_if: Condition | None = None
    ) -> Job:
        """Change a job that stays in its state; raises as `transition` does."""

        def changed(job: Job) -> Job:
            return replace(change(job), revision=job.revision + 1)

        return await self._save_change(job_id, changed, only_if)

    async def _save_change(self, job_id: int, change: Callable[[Job], Job], only_if: Condition | None) -> Job:
        slot = self._slots[job_id]
        slot.lock = slot.lock or asyncio.Lock()
        with job_lines(lambda: ids_of(slot.job)):
            async with slot.lock:
                before = slot.job
                if only_if is not None and not only_if(before):
                    raise IllegalTransition(f"{before.state}: the condition does not hold")
                after = change(before)
                await self._saver.save(after, before.revision)
                slot.job = after
            self._count_in_quotas(before, after)
            if after.state is not before.state:
                log_state(after, before.state)
            self._metrics.job_changed(before, after)
            if before.is_open is not after.is_open or before.deleted_at != after.deleted_at:
                self.on_change(after)
        return after

    def _count_in_quotas(self, before: Job, after: Job) -> None:
        job_id = after.id
        if before.charge is Charge.HELD and after.charge is Charge.SETTLED:
            self._quotas.settle(job_id)
        elif before.charge is Charge.HELD and after.charge is Charge.REFUNDED:
            self._quotas.refund(job_id)
        if before.may_be_billed and not after.may_be_billed:
            self._quotas.budgets.give_back(job_id)
        if after.in_vain and not before.in_vain:
            self._quotas.count_attempt(job_id, after.quota_guild_id, after.user_id, after.created_at)
        elif before.in_vain and not after.in_vain:
            self._quotas.drop_attempt(job_id, after.quota_guild_id, after.user_id)

    async def withdraw(self, job: Job) -> None:
        """Take back a job that never began: its row may be there although that was not acknowledged."""
        await self._saver.withdraw(job)


def log_state(job: Job, before: State | None) -> None:
    """Write the one line of a change of state that was saved."""
    fields: dict[str, str] = {"from": before or "new", "to": job.state}
    ending = ""
    if job.state in FAILURES:
        fields |= {"reason": job.reason or "", "detail": job.detail or "", "report_code": job.report_code}
        ending = f" ({job.reason}, {job.detail!r}), report code {job.report_code}"
    log.info("Job %s: %s -> %s%s", job.id, before or "new", job.state, ending, extra=fields)


def is_waiting_to_be_sent(job: Job) -> bool:
    """Tell whether the job still waits to be sent: then it certainly was not."""
    return job.state is State.SUBMITTING and job.waiting_until is not None

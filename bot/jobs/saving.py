"""Saves the changes of jobs, for as long as it takes: what GMI Cloud said must not be lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from bot.clock import Clock, sleep
from bot.models.jobs import Job
from bot.storage.jobs import JobStore
from bot.storage.storage import StaleJob, StorageFault, StorageUnavailable

log = logging.getLogger(__name__)

PAUSE_FIRST, PAUSE_MAX = 1.0, 10.0  # seconds between attempts to save while the storage is in trouble


class JobSaver:
    """Writes jobs, and waits for a storage in trouble to recover."""

    def __init__(self, store: JobStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def withdraw(self, job: Job) -> None:
        """Take back a job that never began: its row may be there although that was not acknowledged."""
        await self._retry(lambda: self._store.remove_unsent(job), job.id)

    async def save(self, job: Job, previous: int) -> None:
        """Save a job in place of its previous revision. Raises StaleJob, StorageFault."""
        attempts = 0

        async def attempt() -> None:
            nonlocal attempts
            attempts += 1
            try:
                await self._store.save(job, previous=previous)
            except StaleJob:
                # An attempt whose answer was lost may have been written all the same.
                if attempts == 1 or not _same(await self._store.get(job.id), job):
                    raise

        try:
            await self._retry(attempt, job.id)
        except StorageFault as fault:
            log.error("Job %s: cannot be saved as it is (%s)", job.id, fault)
            raise

    async def _retry(self, write: Callable[[], Coroutine[Any, Any, None]], job_id: int) -> None:
        """Write again and again while the storage is in trouble that is likely to pass."""
        pause = PAUSE_FIRST
        while True:
            try:
                await write()
            except StorageUnavailable as trouble:
                log.error("Job %s: not saved, trying again in %g s (%s)", job_id, pause, trouble)
            else:
                return
            await sleep(self._clock, pause)
            pause = min(pause * 2, PAUSE_MAX)


def _same(stored: Job | None, job: Job) -> bool:
    """Tell whether the storage holds this change of the job; texts may have been cut to their columns."""
    return stored is not None and (stored.revision, stored.state, stored.state_since) == (
        job.revision,
        job.state,
        job.state_since,
    )

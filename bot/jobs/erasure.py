"""Erase what is old or unwanted of many jobs at once, so that memory and rows never disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.jobs.context import JobContext
from bot.models.jobs import IllegalTransition, Job


class JobErasure:
    """Erases rows of jobs that are not in memory; of those in memory only what is of no use any more."""

    def __init__(self, context: JobContext) -> None:
        self._jobs = context.jobs
        self._store = context.storage.retention
        self._clock = context.clock

    @property
    def idle(self) -> bool:
        """Tell whether nothing is to be done for any job."""
        return not len(self._jobs)

    async def erase_content(self, job_ids: Sequence[int]) -> int:
        """Erase the content of those of these jobs that are done, and return how many that were.

        A job in memory has not ended, or somebody is just deleting it: its turn comes later.
        """
        async with self._jobs.taking:
            done = [job_id for job_id in job_ids if job_id not in self._jobs]
            return await self._store.erase_jobs(done, self._clock.now()) if done else 0

    async def erase_tokens(self, job_ids: Sequence[int]) -> int:
        """Erase the tokens of those of these jobs that are dead, and return how many that were."""
        now = self._clock.now()

        def is_dead(job: Job) -> bool:
            expires = job.location.token_expires
            return job.location.token is not None and expires is not None and expires < now

        async with self._jobs.taking:
            stored = [job_id for job_id in job_ids if job_id not in self._jobs]
            erased = await self._store.erase_tokens(stored, now) if stored else 0
        for job_id in job_ids:
            if job_id in self._jobs:
                try:
                    await self._jobs.update(job_id, _without_token, only_if=is_dead)
                except IllegalTransition:
                    continue  # a click has brought a fresh one
                erased += 1
        return erased


def _without_token(job: Job) -> Job:
    return replace(job, location=replace(job.location, token=None))

"""Delete a video: what is stored of it first, then its card, and that also after a restart."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from bot.clock import sleep
from bot.delivery.routes import Undeliverable
from bot.delivery.sender import Delivery
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import BACKOFF_FIRST, BACKOFF_MAX, JobContext
from bot.jobs.submission.deadlines import LATE_RESULTS
from bot.models.jobs import Job, without_card, without_content
from bot.storage.storage import StaleJob

log = logging.getLogger(__name__)


class DeleteResult(StrEnum):
    """What became of the wish to delete a video."""

    YES = "yes"
    CARD_STAYS = "card stays"  # nothing is stored any more, and Discord did not let go of the card yet
    OUT_OF_REACH = "out of reach"  # nothing is stored any more, and only a click on the card reaches it
    RUNNING = "running"  # something is still to come of it


class Deletion:
    """Deletes jobs that have ended; only what quotas and the search for lost requests need stays."""

    def __init__(self, context: JobContext, delivery: Delivery, notifier: CardNotifier) -> None:
        self._context = context
        self._jobs = context.jobs
        self._clock = context.clock
        self._delivery = delivery
        self._notifier = notifier

    async def renew_token(self, job: Job, token: str, expires: datetime) -> None:
        """Store the token of a click on a job's card: by it the card can be removed, wherever it is."""

        def renewed(latest: Job) -> Job:
            return replace(latest, location=replace(latest.location, token=token, token_expires=expires))

        if job.id in self._jobs:
            await self._jobs.update(job.id, renewed)
            return
        if self._context.is_elsewhere(job):
            return
        with contextlib.suppress(StaleJob):  # somebody else clicked at the same moment: their token works too
            changed = replace(renewed(job), revision=job.revision + 1)
            await self._context.storage.jobs.save(changed, previous=job.revision)

    async def delete(self, job_id: int) -> DeleteResult:
        """Delete a job for good; whatever is on its way to its card ends first."""
        if not await self._erase_locked(job_id):
            return DeleteResult.RUNNING
        result = await self._remove_card(job_id)
        if result is DeleteResult.CARD_STAYS:
            self.schedule_removal(job_id)
        return result

    async def _erase_locked(self, job_id: int) -> bool:
        """Store that a job is deleted, while nothing else edits its card; False where it has not ended."""
        card = self._notifier.card(job_id)
        card.deleted, erased = True, False
        try:
            async with card.lock:
                erased = await self._erase(job_id)
        finally:
            card.deleted = erased
            job = self._jobs.get(job_id)
            if job is None:
                self._notifier.forget(job_id)
            elif not erased:
                self._notifier.close_if_done(job)
        return erased

    async def _erase(self, job_id: int) -> bool:
        async with self._jobs.taking:
            job = self._jobs.get(job_id) or await self._context.storage.jobs.get(job_id)
            if job is None or job.is_open or self._context.is_elsewhere(job):
                return False
            if job.deleted_at is not None:
                return True
            if job_id not in self._jobs:
                self._jobs.add(job)  # until its card is removed
        now, guild_id = self._clock.now(), job.location.guild_id
        home = self._context.slot.share.home_shard(guild_id)  # also after a restart this process removes it

        def deleted(latest: Job) -> Job:
            return replace(without_content(latest, now), shard=home)

        await self._jobs.update(job_id, deleted)
        self._context.storage.compaction.request()
        return True

    def schedule_removal(self, job_id: int) -> None:
        """Remove the card of a deleted job in the background."""
        self._context.keep_trying(job_id, partial(self._keep_removing, job_id), "removal")

    async def _keep_removing(self, job_id: int) -> None:
        """Try for a day; a card that stays has buttons that only say that its video was deleted."""
        pause, until = BACKOFF_FIRST, self._clock.now() + LATE_RESULTS
        while await self._remove_card(job_id) is DeleteResult.CARD_STAYS and self._clock.now() < until:
            await sleep(self._clock, pause)
            pause = min(pause * 2, BACKOFF_MAX)
        await self._close(job_id)

    async def _remove_card(self, job_id: int) -> DeleteResult:
        """Remove the card of a deleted job, unless that has been done, and tell what became of it."""
        job = self._jobs.get(job_id)
        if job is None:
            return DeleteResult.YES
        with self._jobs.log_lines(job_id):
            return await self._remove_card_of(job)

    async def _remove_card_of(self, job: Job) -> DeleteResult:
        try:
            with self._context.in_flight:
                removed = await self._delivery.remove(job)
        except Undeliverable as error:
            log.warning("Not removed: %s", error)
            return DeleteResult.CARD_STAYS
        except Exception:
            log.exception("Job %s: the card could not be removed", job.id)
            return DeleteResult.CARD_STAYS
        await self._close(job.id)
        return DeleteResult.YES if removed else DeleteResult.OUT_OF_REACH

    async def _close(self, job_id: int) -> None:
        if job_id in self._jobs:
            self._notifier.close_if_done(await self._jobs.update(job_id, without_card))
            self._context.storage.compaction.request()  # its token went

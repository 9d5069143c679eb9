"""Post finished videos, and put a file in the place of its link where it could be fetched only later."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.clock import sleep
from bot.delivery.routes import Gone, Undeliverable
from bot.delivery.sender import Delivery, Refetched
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import BACKOFF_FIRST, BACKOFF_MAX, JobContext
from bot.jobs.submission.deadlines import LATE_RESULTS
from bot.models.jobs import Job
from bot.models.states import State

log = logging.getLogger(__name__)

REFETCH = timedelta(hours=1)  # how long a file is fetched again after its link was posted


class VideoPoster:
    """Brings videos to their cards."""

    def __init__(self, context: JobContext, delivery: Delivery, notifier: CardNotifier) -> None:
        self._context = context
        self._jobs = context.jobs
        self._clock = context.clock
        self._delivery = delivery
        self._notifier = notifier

    def schedule_delivery(self, job_id: int) -> None:
        """Deliver the video in the background."""
        self._context.keep_trying(job_id, partial(self.deliver, job_id), "video")

    async def deliver(self, job_id: int) -> None:
        """Post the video; try for a day before giving up, `/videos` has it meanwhile."""
        pause, until = BACKOFF_FIRST, self._clock.now() + LATE_RESULTS
        while self._clock.now() < until:
            try:
                await self.deliver_once(job_id)
            except Undeliverable as error:
                log.warning("Not posted: %s", error)
            except Exception:
                log.exception("Job %s: could not post the video", job_id)
            else:
                return
            await sleep(self._clock, pause)
            pause = min(pause * 2, BACKOFF_MAX)

    async def deliver_once(self, job_id: int) -> None:
        """Post the video unless that has been done already. Raises Undeliverable."""
        with self._context.in_flight:
            async with self._notifier.card(job_id).lock:
                job = self._jobs.get(job_id)
                if job is None or job.state is not State.SUCCEEDED or job.awaits_link:
                    return
                try:
                    await self._post(job)
                finally:
                    # Whatever failed after that was saved: a delivered job is never posted again.
                    self.complete(self._jobs[job_id])

    async def _post(self, job: Job) -> None:
        refetch_until = self._clock.now() + REFETCH
        posted = await self._delivery.deliver(job, self._notifier.extras.of(job), refetch_until=refetch_until)
        await self._jobs.transition(
            job.id, State.DELIVERED, location=posted.location, refetch_until=posted.refetch_until
        )

    def complete(self, job: Job) -> None:
        """Have everything done in the background that is left to do for a delivered job."""
        if job.state is not State.DELIVERED:
            return
        if job.refetch_until is not None:
            self._context.keep_trying(job.id, partial(self.refetch, job.id), "file")
        if not job.acknowledged:
            self._notifier.schedule_finish(job.id)

    async def refetch(self, job_id: int) -> None:
        """Fetch a video whose link was posted again and again, and put its file in the link's place."""
        pause = BACKOFF_FIRST
        while True:
            job = self._jobs.get(job_id)
            if job is None or job.refetch_until is None:
                return
            left = (job.refetch_until - self._clock.now()).total_seconds()
            if left <= 0:
                break
            await sleep(self._clock, min(pause, left))
            job = self._jobs.get(job_id)
            if job is None or job.refetch_until is None or await self._refetch_once(job):
                break
            pause = min(pause * 2, BACKOFF_MAX)
        await self.stop_refetching(job_id)

    async def _refetch_once(self, job: Job) -> bool:
        """Return whether nothing is left to fetch, or no card to put it on."""
        card = self._notifier.card(job.id)
        try:
            async with self._delivery.refetch(job) as found:
                if all(result.missing or result.on_card for result in found.results):
                    return found.complete  # posted before, where the answer was lost
                async with card.lock:
                    if not card.deleted:
                        await self._put_files(found)
                return found.complete or card.deleted
        except Gone as error:
            log.info("Not fetched again: %s", error)
            return True
        except Undeliverable as error:
            log.warning("Not posted: %s", error)
        except Exception:
            log.exception("Job %s: could not put the file in the link's place", job.id)
        return False

    async def _put_files(self, found: Refetched) -> None:
        with self._context.in_flight:
            location = await self._delivery.replace_links(found, self._notifier.extras.of(found.job))
        await self._jobs.update(found.job.id, lambda job: replace(job, location=location))

    async def stop_refetching(self, job_id: int) -> None:
        """Give up what could not be fetched so far; the link stays."""
        job = self._jobs.get(job_id)
        if job is not None and job.refetch_until is not None:
            job = await self._jobs.update(job_id, lambda latest: replace(latest, refetch_until=None))
            self._notifier.close_if_done(job)

"""Keep the cards of jobs up to date: each change once, and the final card for certain."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from bot.clock import Clock, sleep
from bot.delivery.routes import Gone, Undeliverable
from bot.delivery.sender import Delivery, Upload
from bot.jobs.cards.card_extras import CardExtras
from bot.jobs.context import BACKOFF_FIRST, BACKOFF_MAX, JobContext
from bot.jobs.submission.deadlines import LATE_RESULTS
from bot.models.jobs import Job, PendingReply
from bot.models.states import State

log = logging.getLogger(__name__)

PARALLEL_CARDS = 8  # final and late cards on their way at once, so that a restart does not flood Discord


@dataclass(slots=True)
class Card:
    """Who may edit a job's card, how often that was asked for, and what it shows."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    shown: object = None
    unsaved: Job | None = None  # what is known of an accepted request that storage refuses
    notified_of: State | None = None  # of which state its member was notified
    deleted: bool = False  # by a member or moderator: nothing may bring it back


class CardNotifier:
    """Shows on the cards of jobs what has changed, and notifies members who had to wait."""

    def __init__(
        self, context: JobContext, delivery: Delivery, extras: CardExtras, notify_after: timedelta | None
    ) -> None:
        self._context = context
        self._jobs = context.jobs
        self._clock = context.clock
        self._delivery = delivery
        self.extras = extras
        self._notify_after = notify_after  # None: nobody is ever notified
        self._cards: dict[int, Card] = {}
        self._parallel = asyncio.Semaphore(PARALLEL_CARDS)

    def card(self, job_id: int) -> Card:
        """Return what is known about the card of a job."""
        return self._cards.setdefault(job_id, Card())

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a card whose job has ended."""
        self._cards.pop(job_id, None)
        self.extras.forget(job_id)
        self._delivery.forget(job_id)

    async def mark_late(self) -> None:
        """Let the card of every job say so whose video should have been ready, for ever."""
        await self.extras.watch(self._schedule_late)

    def schedule_show(self, job_id: int) -> None:
        """Show the job's state in the background."""
        self._context.keep_trying(job_id, partial(self.show, job_id), "card")

    def schedule_final(self, job_id: int) -> None:
        """Send the final card in the background."""
        self._context.keep_trying(job_id, partial(self.send_final, job_id), "final card")

    def schedule_finish(self, job_id: int) -> None:
        """Finish the job in the background."""
        self._context.keep_trying(job_id, partial(self.finish, job_id), "end")

    def _schedule_late(self, job_id: int) -> None:
        self._context.keep_trying(job_id, partial(self._show_late, job_id), "late card")

    async def _show_late(self, job_id: int) -> None:
        """Show that a job is late; try for some minutes, its next state comes by itself."""
        pause = BACKOFF_FIRST
        while pause < BACKOFF_MAX:
            async with self._parallel:  # a restart may find the moments of many jobs passed at once
                if await self.show(job_id):
                    return
            await sleep(self._clock, pause)
            pause *= 2

    def show_unsaved(self, job: Job) -> None:
        """Show in the background that GMI has a request, although storage refuses to hold that."""
        self.card(job.id).unsaved = job
        self.schedule_show(job.id)

    async def show(self, job_id: int, uploads: Sequence[Upload] = ()) -> bool:
        """Bring the card to the job's latest state; of several calls that wait only the last one does.

        False if Discord did not take it.
        """
        if job_id not in self._jobs:
            return True
        card = self.card(job_id)
        card.asked += 1
        turn = card.asked
        async with card.lock:
            job = self._jobs.get(job_id)
            if job is None or job.deleted_at is not None or (turn != card.asked and not uploads):
                return True
            return await self._show_locked(job, card, uploads)

    async def _show_locked(self, job: Job, card: Card, uploads: Sequence[Upload]) -> bool:
        if card.unsaved is not None and job.state is State.SUBMITTING:
            job = replace(card.unsaved, location=job.location)
        extras = self.extras.of(job)
        content = (job.state, job.waiting_until, job.reason, job.links, extras.late)
        if content == card.shown:
            return True
        try:
            location = await self._delivery.show(job, uploads, extras)
        except Undeliverable as error:
            log.warning("Not shown: %s", error)
            return False
        except Exception:
            log.exception("Job %s: the card could not be shown", job.id)
            return False
        card.shown = content
        if location != job.location:
            await self._jobs.update(job.id, lambda latest: replace(latest, location=location))
        return True

    async def send_final(self, job_id: int) -> None:
        """Show why there is no video, again and again until Discord takes it or a day has passed."""
        state = self._jobs[job_id].state
        await _repeat_for_a_day(self._clock, self._parallel, partial(self.show, job_id))
        job = self._jobs.get(job_id)
        if job is not None and job.state is state:
            await self.finish(job_id)

    async def finish(self, job_id: int) -> None:
        """Notify a member who had to wait long, as an edit does not; then the member knows the end."""
        job = self._jobs.get(job_id)
        if job is None or job.deleted_at is not None:
            return
        if self._is_news(job):
            card = self.card(job_id)
            if card.notified_of is not job.state:
                await self._delivery.notify(job)
            card.notified_of = job.state  # what fails from here on is repeated without it
        if job_id not in self._jobs:
            return  # deleted meanwhile
        self.close_if_done(await self._jobs.update(job_id, _acknowledged))

    def _is_news(self, job: Job) -> bool:
        """Tell whether how a job ended is worth a ping: its member had to wait, and did not end it."""
        if self._notify_after is None or job.location.private or job.cancelled_by_owner:
            return False
        return self._clock.now() - job.created_at >= self._notify_after

    def close_if_done(self, job: Job) -> None:
        """Drop a job from memory once nothing is left to do for it; storage keeps it."""
        if self.card(job.id).deleted and job.deleted_at is None:
            return  # whoever deletes it still needs it
        if not job.is_open and job.acknowledged and job.refetch_until is None:
            self._jobs.drop(job.id)
            self.forget(job.id)

    async def report_lost_request(self, pending: PendingReply) -> None:
        """Tell a member that their request was lost before it began, as long as something reaches them."""
        await _repeat_for_a_day(self._clock, self._parallel, partial(self._report_lost_request, pending))
        await self._context.storage.replies.remove(pending.id)
        self._delivery.forget(pending.id)

    async def _report_lost_request(self, pending: PendingReply) -> bool:
        try:
            await self._delivery.report_lost_request(pending)
        except Gone as error:
            log.info("A lost request is not reported: %s", error)
        except Undeliverable as error:
            log.warning("A lost request is not reported yet: %s", error)
            return False
        return True


async def _repeat_for_a_day(
    clock: Clock, parallel: asyncio.Semaphore, attempt: Callable[[], Awaitable[bool]]
) -> None:
    """Make attempts until one of them succeeds or a day has passed."""
    pause, until = BACKOFF_FIRST, clock.now() + LATE_RESULTS
    while True:
        async with parallel:
            succeeded = await attempt()
        if succeeded or clock.now() >= until:
            return
        await sleep(clock, pause)
        pause = min(pause * 2, BACKOFF_MAX)


def _acknowledged(job: Job) -> Job:
    """Return a job whose member has seen its end."""
    # The card of one that was deleted meanwhile is still to be removed.
    return replace(job, acknowledged=job.deleted_at is None)

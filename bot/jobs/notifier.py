"""Tell members about their jobs: every change on the card, the last word for certain, and the video."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.clock import Clock, sleep
from bot.delivery.routes import Gone, Undeliverable
from bot.delivery.sender import Delivery, Refetched, Upload
from bot.jobs.active import ActiveJobs
from bot.models.jobs import CardLocation, Job, PendingReply, State
from bot.storage.storage import Storage
from bot.tasks import Tasks

log = logging.getLogger(__name__)

LATE_RESULTS = timedelta(days=1)  # how long a result, or a place for it, is still looked for
REFETCH = timedelta(hours=1)  # how long a file is fetched again after its link was posted
BACKOFF_FIRST, BACKOFF_MAX = 5.0, 300.0  # seconds between attempts when nobody names a time
PARALLEL_CARDS = 8  # last words on their way at once, so that a restart does not fall upon Discord


@dataclass(slots=True)
class _Card:
    """Who may edit a job's card, how often that was asked for, and what it shows."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    shown: object = None
    deleted: bool = False  # by a member or moderator: nothing may bring it back


class CardNotifier:
    """Brings what is new about jobs to their cards."""

    def __init__(
        self,
        storage: Storage,
        jobs: ActiveJobs,
        delivery: Delivery,
        clock: Clock,
        notify_after: timedelta | None,
        *,
        tasks: Tasks,
        usual: Callable[[Job], float | None],
        on_end: Callable[[int], None],
    ) -> None:
        self._storage = storage
        self._jobs = jobs
        self._delivery = delivery
        self._clock = clock
        self._notify_after = notify_after  # None: nobody is ever notified
        self._tasks = tasks
        self._usual = usual  # the seconds that such a job is rendered, where that is known
        self._on_end = on_end  # called when nothing is left to do or tell
        self._cards: dict[int, _Card] = {}
        self._last_words = asyncio.Semaphore(PARALLEL_CARDS)
        self.posting = 0  # videos on their way, which a stop should not tear apart

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a card that has ended."""
        self._cards.pop(job_id, None)
        self._delivery.forget(job_id)

    async def show(self, job_id: int, uploads: Sequence[Upload] = ()) -> bool:
        """Bring the card to the job's latest state; of those who wait their turn only the last one does.

        False if Discord did not take it.
        """
        if job_id not in self._jobs:
            return True
        card = self._card(job_id)
        card.asked += 1
        turn = card.asked
        async with card.lock:
            job = self._jobs.get(job_id)
            if job is None or (turn != card.asked and not uploads):
                return True
            news = (job.state, job.waiting_until, job.reason)
            if news == card.shown:
                return True
            try:
                location = await self._delivery.show(job, uploads, self._usual(job))
            except Undeliverable as error:
                log.warning("Not shown: %s", error)
                return False
            except Exception:
                log.exception("Job %s: the card could not be shown", job_id)
                return False
            card.shown = news
            if location != job.location:
                await self._jobs.note(job_id, location=location)
            return True

    async def tell(self, job_id: int) -> None:
        """Show why there is no video, again and again until Discord takes it or a day has passed."""
        pause, until = BACKOFF_FIRST, self._clock.now() + LATE_RESULTS
        state = self._jobs[job_id].state
        while True:
            async with self._last_words:
                shown = await self.show(job_id)
            if shown or self._clock.now() >= until:
                break
            await sleep(self._clock, pause)
            pause = min(pause * 2, BACKOFF_MAX)
        job = self._jobs.get(job_id)
        if job is not None and job.state is state:
            await self.part(job_id)

    async def deliver(self, job_id: int) -> None:
        """Post the video; try for a day before giving up, `/videos` has it meanwhile."""
        pause, until = BACKOFF_FIRST, self._clock.now() + LATE_RESULTS
        while self._clock.now() < until:
            try:
                await self._deliver_once(job_id)
            except Undeliverable as error:
                log.warning("Not posted: %s", error)
            except Exception:
                log.exception("Job %s: could not post the video", job_id)
            else:
                return
            await sleep(self._clock, pause)
            pause = min(pause * 2, BACKOFF_MAX)

    async def _deliver_once(self, job_id: int) -> None:
        """Post the video unless that has been done already. Raises Undeliverable."""
        self.posting += 1
        try:
            async with self._card(job_id).lock:
                job = self._jobs.get(job_id)
                if job is None or job.state is not State.SUCCEEDED or job.awaits_link:
                    return
                posted = await self._delivery.deliver(job, refetch_until=self._clock.now() + REFETCH)
                until = posted.refetch_until
                await self._jobs.change(
                    job_id, State.DELIVERED, location=posted.location, refetch_until=until
                )
        finally:
            self.posting -= 1
        if until is not None:
            self._tasks.spawn(self.refetch(job_id), f"fetch the video of job {job_id} again")
        await self.part(job_id)

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
        await self._stop_fetching(job_id)

    async def _refetch_once(self, job: Job) -> bool:
        """Tell whether nothing is left to fetch, or no card to put it on."""
        card = self._card(job.id)
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
        self.posting += 1
        try:
            location = await self._delivery.replace_links(found)
        finally:
            self.posting -= 1
        await self._jobs.note(found.job.id, location=location)

    async def _stop_fetching(self, job_id: int) -> None:
        job = self._jobs.get(job_id)
        if job is not None and job.refetch_until is not None:
            job = await self._jobs.note(job_id, refetch_until=None)
            self._end_if_done(job)

    @asynccontextmanager
    async def deleting(self, job_id: int) -> AsyncIterator[None]:
        """Keep everything off a card while somebody deletes it; if that works, for good."""
        card = self._card(job_id)
        card.deleted = True
        try:
            async with card.lock:
                yield
        except BaseException:
            card.deleted = False
            raise
        await self._stop_fetching(job_id)

    async def move_card(self, job: Job, location: CardLocation) -> None:
        """Show a job's card at a new address, where only its member sees it. Raises Undeliverable.

        A card that can be reached no other way moves there; of any other one it is a copy.
        """
        card = self._card(job.id)
        async with card.lock:
            current = self._jobs.get(job.id)
            moves = (
                current is not None
                and current.is_open
                and (current.location.private or current.location.guest or current.state is State.SUCCEEDED)
            )
            if moves:
                self._delivery.forget(job.id)  # what it knew of the old place
                await self._jobs.note(job.id, location=location)
                card.shown = None
        if not moves:
            # Without the lock: a copy waits for a place to download, which who waits for the lock may hold.
            await self._delivery.present(replace(current or job, location=location))
        if current is None:
            self.forget(job.id)
        elif moves and current.state is State.SUCCEEDED and not current.awaits_link:
            await self._deliver_once(job.id)
        elif moves and not await self.show(job.id):
            raise Undeliverable(f"the card of job {job.id} could not move")

    async def part(self, job_id: int) -> None:
        """Notify a member who had to wait long, for an edit does not; then nothing is left to tell."""
        job = self._jobs[job_id]
        waited = self._clock.now() - job.created_at
        if self._notify_after is not None and waited >= self._notify_after and not job.location.private:
            await self._delivery.notify(job)
        self._end_if_done(await self._jobs.note(job_id, acknowledged=True))

    def _end_if_done(self, job: Job) -> None:
        if not job.is_open and job.acknowledged and job.refetch_until is None:
            self._on_end(job.id)

    async def report_lost_request(self, placeholder: PendingReply) -> None:
        """Tell a member whose request was lost before it began; once, for nothing was spent."""
        async with self._last_words:
            try:
                await self._delivery.report_lost_request(placeholder)
            except Undeliverable as error:
                log.warning("Not told: %s", error)
        await self._storage.replies.remove(placeholder.id)

    def _card(self, job_id: int) -> _Card:
        return self._cards.setdefault(job_id, _Card())

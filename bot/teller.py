"""Tell members about their jobs: every change on the card, the last word for certain, and the video."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.clock import Clock, sleep
from bot.delivery import Delivery, Undeliverable, Upload
from bot.jobs import Address, Job, Placeholder, State
from bot.ledger import Ledger
from bot.openjobs import OpenJobs

log = logging.getLogger(__name__)

LATE_RESULTS = timedelta(days=1)  # how long a result, or a place for it, is still looked for
BACKOFF_FIRST, BACKOFF_MAX = 5.0, 300.0  # seconds between attempts when nobody names a time
PARALLEL_CARDS = 8  # last words on their way at once, so that a restart does not fall upon Discord


@dataclass(slots=True)
class _Card:
    """Who may edit a job's card, how often that was asked for, and what it shows."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked: int = 0
    shown: object = None


class Teller:
    """Brings what is new about jobs to their cards."""

    def __init__(
        self,
        ledger: Ledger,
        jobs: OpenJobs,
        delivery: Delivery,
        clock: Clock,
        notify_after: timedelta | None,
        *,
        usual: Callable[[Job], float | None],
        on_end: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._jobs = jobs
        self._delivery = delivery
        self._clock = clock
        self._notify_after = notify_after  # None: nobody is ever notified
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
                address = await self._delivery.show(job, uploads, self._usual(job))
            except Undeliverable as error:
                log.warning("Not shown: %s", error)
                return False
            except Exception:
                log.exception("Job %s: the card could not be shown", job_id)
                return False
            card.shown = news
            if address != job.address:
                await self._jobs.note(job_id, address=address)
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
                if job is None or job.state is not State.SUCCEEDED:
                    return
                address = await self._delivery.deliver(job)
                await self._jobs.change(job_id, State.DELIVERED, address=address)
        finally:
            self.posting -= 1
        await self.part(job_id)

    async def show_at(self, job: Job, address: Address) -> None:
        """Show a job's card at a new address, where only its member sees it. Raises Undeliverable.

        A card that can be reached no other way moves there; of any other one it is a copy.
        """
        card = self._card(job.id)
        async with card.lock:
            current = self._jobs.get(job.id)
            moves = (
                current is not None
                and current.is_open
                and (current.address.private or current.address.guest or current.state is State.SUCCEEDED)
            )
            if moves:
                self._delivery.forget(job.id)  # what it knew of the old place
                await self._jobs.note(job.id, address=address)
                card.shown = None
            else:
                await self._delivery.present(replace(current or job, address=address))
        if current is None:
            self._cards.pop(job.id, None)
        elif moves and current.state is State.SUCCEEDED:
            await self._deliver_once(job.id)
        elif moves and not await self.show(job.id):
            raise Undeliverable(f"the card of job {job.id} could not move")

    async def part(self, job_id: int) -> None:
        """Notify a member who had to wait long, for an edit does not; then nothing is left to tell."""
        job = self._jobs[job_id]
        waited = self._clock.now() - job.created_at
        if self._notify_after is not None and waited >= self._notify_after and not job.address.private:
            await self._delivery.notify(job)
        await self._jobs.note(job_id, told=True)
        if not job.is_open:
            self._on_end(job_id)

    async def apologise(self, placeholder: Placeholder) -> None:
        """Tell a member whose request was lost before it began; once, for nothing was spent."""
        async with self._last_words:
            try:
                await self._delivery.apologise(placeholder)
            except Undeliverable as error:
                log.warning("Not told: %s", error)
        await self._ledger.answered(placeholder.id)

    def _card(self, job_id: int) -> _Card:
        return self._cards.setdefault(job_id, _Card())

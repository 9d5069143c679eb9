"""Show the card of a job somewhere else."""

from __future__ import annotations

from dataclasses import replace

from bot.delivery.routes import Undeliverable
from bot.delivery.sender import Delivery
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.cards.poster import VideoPoster
from bot.jobs.context import JobContext
from bot.models.jobs import CardLocation, Job
from bot.models.states import State


class CardActions:
    """Moves cards while nothing else edits them."""

    def __init__(
        self, context: JobContext, delivery: Delivery, notifier: CardNotifier, poster: VideoPoster
    ) -> None:
        self._jobs = context.jobs
        self._delivery = delivery
        self._notifier = notifier
        self._poster = poster

    async def move(self, job: Job, location: CardLocation) -> None:
        """Show a job's card in a new place, where only its member sees it. Raises Undeliverable.

        A card that can be reached no other way moves there; of any other card it is a copy.
        """
        card = self._notifier.card(job.id)
        async with card.lock:
            current = self._jobs.get(job.id)
            moves = current is not None and _moves(current)
            if moves:
                self._delivery.forget(job.id)  # what it knew of the old place
                await self._jobs.update(job.id, lambda latest: replace(latest, location=location))
                card.shown = None
        if not moves:
            # Without the lock: a copy waits for a place to download, which who waits for the lock may hold.
            await self._delivery.show_copy(replace(current or job, location=location))
        if current is None:
            self._notifier.forget(job.id)
        elif moves and current.state is State.SUCCEEDED and not current.awaits_link:
            await self._poster.deliver_once(job.id)
        elif moves and not await self._notifier.show(job.id):
            raise Undeliverable(f"the card of job {job.id} could not move")


def _moves(job: Job) -> bool:
    out_of_reach = job.location.private or job.location.guest or job.state is State.SUCCEEDED
    return job.is_open and out_of_reach

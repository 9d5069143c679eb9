"""What clicks do to jobs: here where this process owns the job, otherwise through the process that does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.delivery.routes import Undeliverable
from bot.jobs.cancellation import CancelResult
from bot.jobs.deletion import DeleteResult
from bot.jobs.processes.relay import Action, Answer, JobRelay, location_to_content, token_to_content
from bot.jobs.service import JobService
from bot.models.jobs import CardLocation, Job


class JobActions:
    """The one door for whoever clicks; without a relay this process owns every job.

    Beside what `JobService` raises, each raises OwnerUnheard where the owner gives no answer in time.
    """

    def __init__(
        self, jobs: JobService, serves: Callable[[int], bool], relay: JobRelay | None = None
    ) -> None:
        self._jobs = jobs
        self._serves = serves
        self._relay = relay

    async def cancel(self, job: Job, user_id: int) -> CancelResult:
        """Cancel a job where that is still possible, and say honestly what came of this user's wish."""
        relay = self._owner_elsewhere(job)
        if relay is None:
            return await self._jobs.cancel(job.id, user_id)
        return CancelResult(await relay.ask(job, Action.CANCEL, {"user_id": user_id}))

    async def delete(self, job: Job) -> DeleteResult:
        """Delete a job that has ended, with its card and all that is stored of its content."""
        relay = self._owner_elsewhere(job)
        if relay is None:
            return await self._jobs.delete(job.id)
        return DeleteResult(await relay.ask(job, Action.DELETE, {}))

    async def move_card(self, job: Job, location: CardLocation) -> None:
        """Show a job's card, with its videos, in a new place that only its member sees.

        Raises Undeliverable.
        """
        relay = self._owner_elsewhere(job)
        if relay is None:
            await self._jobs.move_card(job, location)
        elif await relay.ask(job, Action.SHOW, location_to_content(location)) == Answer.NOT_SHOWN:
            raise Undeliverable(f"the card of job {job.id}: its process could not show it")

    async def renew_token(self, job: Job, token: str, expires: datetime) -> None:
        """Store the token of a click on a job's card. Raises StorageUnavailable."""
        relay = self._owner_elsewhere(job)
        if relay is None:
            await self._jobs.renew_token(job, token, expires)
        else:
            await relay.ask(job, Action.RENEW_TOKEN, token_to_content(token, expires))

    def _owner_elsewhere(self, job: Job) -> JobRelay | None:
        """Return the way to the process that has a job in memory, None where this one may act itself."""
        here = not job.is_unfinished or self._jobs.has(job.id) or self._serves(job.shard)
        return None if here else self._relay

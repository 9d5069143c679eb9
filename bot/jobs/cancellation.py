"""Cancel a job where that is still possible, and say honestly what came of it."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from enum import StrEnum

from bot.gmi.client import GmiCloud, GmiError
from bot.jobs.active import is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import JobContext
from bot.jobs.lifecycle import Lifecycle
from bot.models.jobs import IllegalTransition, Job
from bot.models.states import FOLLOWED, Reason, State

log = logging.getLogger(__name__)


class CancelResult(StrEnum):
    """What became of the wish to cancel a job."""

    YES = "yes"
    SENDING = "sending"  # it is on its way, nobody can know yet
    TOO_LATE = "too late"  # GMI has it, and makes it
    KEPT = "kept"  # GMI has it in line, and did not let go of it
    UNSURE = "unsure"  # GMI does not say how it stands
    ENDED = "ended"
    ELSEWHERE = "elsewhere"  # another process makes it, and only there it can be cancelled


class Cancellation:
    """Cancels jobs that cost nothing yet."""

    def __init__(
        self, context: JobContext, gmi: GmiCloud, lifecycle: Lifecycle, notifier: CardNotifier
    ) -> None:
        self._context = context
        self._jobs = context.jobs
        self._gmi = gmi
        self._lifecycle = lifecycle
        self._notifier = notifier

    async def cancel(self, job_id: int, user_id: int) -> CancelResult:
        """Cancel a job, for this user, if nobody makes it yet."""
        job = self._jobs.get(job_id)
        if job is None:
            stored = await self._context.storage.jobs.get(job_id)
            elsewhere = stored is not None and stored.is_open and self._context.is_elsewhere(stored)
            return CancelResult.ELSEWHERE if elsewhere else CancelResult.ENDED
        if not job.is_open:
            return CancelResult.ENDED
        if job.request_id is None:
            return await self._cancel_unsent(job_id, user_id)
        if job.state not in FOLLOWED:
            return CancelResult.TOO_LATE
        return await self._cancel_in_line(job_id, job.request_id, user_id)

    async def _cancel_unsent(self, job_id: int, user_id: int) -> CancelResult:
        try:
            await self._jobs.transition(
                job_id,
                State.CANCELLED,
                only_if=is_waiting_to_be_sent,
                reason=Reason.CANCELLED,
                cancelled_by=user_id,
            )
        except IllegalTransition:
            return CancelResult.SENDING
        self._notifier.schedule_final(job_id)
        return CancelResult.YES

    async def _cancel_in_line(self, job_id: int, request_id: str, user_id: int) -> CancelResult:
        """Cancel what GMI has in line: to delete what is being made could destroy a paid video."""
        asked = agreed = False
        try:
            status = await self._gmi.status(request_id)
            if status.state is State.QUEUED and await self._remember(job_id, user_id):
                asked, agreed = True, await self._gmi.cancel(request_id)
                status = await self._gmi.status(request_id)
        except GmiError as error:
            log.warning("Job %s: not known whether it is cancelled: %s", job_id, error)
            return CancelResult.UNSURE
        if job_id in self._jobs:
            with contextlib.suppress(IllegalTransition):  # the poller heard it at the same moment
                await self._lifecycle.apply(job_id, status)
        match status.state:
            case State.CANCELLED:
                return CancelResult.YES
            case State.PROCESSING | State.SUCCEEDED:
                return CancelResult.TOO_LATE
            case State.QUEUED if asked and not agreed:
                # Should GMI cancel it later after all, that is not what this user was told.
                await self._remember(job_id, None)
                return CancelResult.KEPT
            case State.QUEUED | None:
                return CancelResult.UNSURE
        return CancelResult.ENDED

    async def _remember(self, job_id: int, user_id: int | None) -> bool:
        """Store who wants to cancel a job; tell whether it can still be cancelled.

        Stored before GMI is asked: whoever hears first that it is cancelled, also after a restart, can say
        by whom.
        """
        if job_id not in self._jobs:
            return False
        with contextlib.suppress(IllegalTransition):
            await self._jobs.update(
                job_id, lambda job: replace(job, cancelled_by=user_id), only_if=_is_followed
            )
            return True
        return False


def _is_followed(job: Job) -> bool:
    return job.state in FOLLOWED

"""What the rest of the bot does with jobs: start, cancel and show them, and stop in good order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.delivery.sender import Delivery, Upload
from bot.gmi.client import GmiCloud
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import Cancellation, CancelResult
from bot.jobs.card_actions import CardActions
from bot.jobs.context import JobContext
from bot.jobs.key_check import KeyCheck
from bot.jobs.lifecycle import Lifecycle
from bot.jobs.notifier import CardNotifier
from bot.jobs.poster import VideoPoster
from bot.jobs.recovery import Recovery
from bot.jobs.submit_gate import SubmitClosed, SubmitGate
from bot.jobs.submitter import Submitter
from bot.models.jobs import CardLocation, Job, PendingReply
from bot.models.quotas import LimitExceeded
from bot.models.requests import VideoRequest
from bot.polling.estimator import DurationEstimator
from bot.polling.history import EstimatorHistory
from bot.polling.matching import LostPosts
from bot.polling.poller import StatusPoller
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.quotas.warnings import BudgetWarnings
from bot.storage.storage import Storage, StorageUnavailable
from bot.tasks import InFlight, Tasks

__all__ = ["CancelResult", "DuplicateRequest", "JobService", "ShuttingDown", "Submission", "SubmitClosed"]

log = logging.getLogger(__name__)

TIDY_EVERY = timedelta(hours=1)  # how often what no quota counts any more is dropped from memory
GRACE = 5.0  # seconds that a stop leaves to what is on its way


class DuplicateRequest(Exception):  # noqa: N818 - it names what happened
    """The same interaction was started before."""


class ShuttingDown(Exception):  # noqa: N818 - it names what happened
    """The bot is about to stop and takes no new work."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a member asks for, and where the answer goes."""

    job_id: int  # the interaction's snowflake
    user_id: int
    role_ids: Sequence[int]
    quota_guild_id: int | None  # the server whose quotas count, wherever the card may go
    location: CardLocation
    request: VideoRequest
    uploads: Sequence[Upload] = ()  # the references, to be kept on the card
    spoiler: bool = False
    release: Callable[[], None] = lambda: None  # called once the uploads are needed no more

    def job(self, model: str, now: datetime, *, waits: bool) -> Job:
        """Return the job that begins with this; one that waits is stored as certainly not sent."""
        return Job(
            self.job_id,
            self.user_id,
            self.location,
            self.request,
            model,
            now,
            quota_guild_id=self.quota_guild_id,
            state_since=now,
            waiting_until=now if waits else None,
            spoiler=self.spoiler,
        )


class JobService:
    """Takes every job from its reservation to its final card."""

    def __init__(
        self,
        *,
        storage: Storage,
        quotas: QuotaLimiter,
        budget_warnings: BudgetWarnings,
        gmi: GmiCloud,
        delivery: Delivery,
        clock: Clock,
        tasks: Tasks,
        model: str,
        deadline: timedelta,
        requests_per_minute: int,
        notify_after: timedelta | None,
    ) -> None:
        self._storage = storage
        self._quotas = quotas
        self._budget_warnings = budget_warnings
        self._clock = clock
        self._model = model
        self._jobs = ActiveJobs(storage, quotas, clock)
        self.gate = gate = SubmitGate(clock)  # whether anything is submitted at all
        self._key_check, doubt = KeyCheck(gate, gmi, model, clock), gate.key_doubted.set
        self._context = context = JobContext(storage, self._jobs, clock, tasks, deadline, InFlight(), gate)
        estimator = DurationEstimator()
        self._history = EstimatorHistory(storage.notes, estimator, clock)
        lost_posts = LostPosts(gmi, storage, clock)
        self._poller = StatusPoller(
            gmi, clock, model, estimator, requests_per_minute, lost_posts=lost_posts, on_key_refused=doubt
        )
        self._notifier = notifier = CardNotifier(context, delivery, estimator, notify_after)
        poster = VideoPoster(context, delivery, notifier)
        self._lifecycle = lifecycle = Lifecycle(context, self._poller, notifier, poster, self._history)
        self._submitter = Submitter(context, gmi, lifecycle, notifier)
        self._recovery = Recovery(context, self._submitter, lifecycle, notifier)
        self._cancellation = Cancellation(context, gmi, lifecycle, notifier)
        self._card_actions = CardActions(context, delivery, notifier, poster)
        self._closing = False
        self._tidied = clock.now()

    async def open(self) -> None:
        """Take over what an earlier process left, before anything new can arrive."""
        await rebuild(self._quotas, self._storage, self._clock.now())
        await self._budget_warnings.load()
        await self._history.restore()
        await self._recovery.load()
        self._context.tasks.supervise(self._lifecycle.run, "take updates of jobs")
        self._context.tasks.supervise(self._key_check.run, "check a refused key")

    def resume(self) -> None:
        """Go on with what an earlier process left; called once Discord can be reached."""
        self._recovery.resume_all()

    async def close(self) -> None:
        """Take no new work, let what is on its way arrive, and stop; storage has the rest."""
        self._closing = True
        self._submitter.close()
        await self._context.in_flight.wait_idle(self._clock, GRACE)
        await self._context.tasks.close()
        await self._history.save(at_once=True)

    async def add_pending_reply(self, pending: PendingReply) -> None:
        """Remember that a member waits for an answer, until a job starts or the reply is removed."""
        await self._storage.replies.add(pending)

    async def remove_pending_reply(self, reply_id: int) -> None:
        """Forget a pending reply whose member has read a refusal."""
        await self._storage.replies.remove(reply_id)

    def has(self, job_id: int) -> bool:
        """Tell whether this job is open."""
        return job_id in self._jobs

    async def start(self, submission: Submission) -> Job:
        """Reserve, store the intent, and send the request in the background.

        Raises LimitExceeded when a quota or a budget does not allow it, DuplicateRequest when it was started
        before, ShuttingDown when the bot is about to stop, SubmitClosed while GMI takes nobody's requests,
        StorageUnavailable when it cannot be stored.
        """
        if self._closing:
            raise ShuttingDown
        now = self._clock.now()
        if now - self._tidied > TIDY_EVERY:
            self._quotas.forget_old(now)
            self._tidied = now
        job_id = submission.job_id
        if job_id in self._jobs or await self._storage.jobs.get(job_id) is not None:
            raise DuplicateRequest(str(job_id))
        # Meanwhile: from here to the place nothing awaits, and a stop waits for whoever has a place.
        if self._closing:
            raise ShuttingDown
        try:
            job, placed = await self._reserve(submission, now)
        except LimitExceeded as error:
            self._budget_warnings.refused(error)
            raise
        self._jobs.add(job)
        self._budget_warnings.look(submission.quota_guild_id)
        tasks = self._context.tasks
        tasks.spawn(self._show_first(job_id, submission), f"first card of job {job_id}")
        tasks.spawn(self._recovery.submit(job_id, placed=placed), f"submit job {job_id}")
        return job

    async def _reserve(self, submission: Submission, now: datetime) -> tuple[Job, bool]:
        """Take what a job costs wherever it counts, store it, and return it and whether it has a place."""
        guild_id, user_id = submission.quota_guild_id, submission.user_id
        seconds = submission.request.duration
        self.gate.check()
        self._quotas.reserve(submission.job_id, guild_id, user_id, submission.role_ids, seconds, now)
        self.gate.admit(submission.job_id)
        # Whoever has to wait for a place is stored as waiting: then no crash leaves a doubt.
        placed = self._submitter.take_place()
        job = submission.job(self._model, now, waits=not placed)
        await self._insert(job, placed)
        return job, placed

    async def _insert(self, job: Job, placed: bool) -> None:
        """Store a new job, or give back what was taken for it."""
        new = False
        budgets = self._quotas.budgets.of_place(job.quota_guild_id)
        try:
            new = await self._storage.jobs.add(job, budgets)
        except StorageUnavailable:
            self._context.tasks.spawn(self._jobs.withdraw(job), f"withdraw job {job.id}")
            raise
        finally:
            if not new:
                self._quotas.withdraw(job.id)
                self.gate.release(job.id)
                if placed:
                    self._submitter.leave_place()
        if not new:
            raise DuplicateRequest(str(job.id))

    async def _show_first(self, job_id: int, submission: Submission) -> None:
        """Show the first card; the references leave memory with it, or with the last attempt."""
        try:
            await self._notifier.show(job_id, submission.uploads)
        except Exception:
            log.exception("Job %s: the first card could not be shown", job_id)
            self._notifier.schedule_show(job_id)
        finally:
            submission.release()

    async def cancel(self, job_id: int) -> CancelResult:
        """Cancel a job where that is still possible, and say honestly what came of it."""
        return await self._cancellation.cancel(job_id)

    async def move_card(self, job: Job, location: CardLocation) -> None:
        """Show a job's card, with its videos, in a new place that only its member sees.

        Raises Undeliverable.
        """
        await self._card_actions.move(job, location)

    def deleting(self, job_id: int) -> AbstractAsyncContextManager[None]:
        """Keep everything off the card of a job that `has` knows while somebody deletes it."""
        return self._card_actions.deleting(job_id)

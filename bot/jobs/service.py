"""What the rest of the bot does with jobs: start, cancel and show them, and stop in good order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.delivery.sender import Delivery
from bot.gmi.client import GmiCloud
from bot.gmi.rate import RequestRate
from bot.jobs.active import ActiveJobs, is_waiting_to_be_sent
from bot.jobs.cancellation import Cancellation, CancelResult
from bot.jobs.card_actions import CardActions
from bot.jobs.cards.card_extras import CardExtras
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.cards.poster import VideoPoster
from bot.jobs.context import JobContext
from bot.jobs.deletion import DeleteResult, Deletion
from bot.jobs.erasure import JobErasure
from bot.jobs.lifecycle import Lifecycle
from bot.jobs.new_jobs import NewJobs
from bot.jobs.recovery import Recovery
from bot.jobs.submission.key_check import KeyCheck
from bot.jobs.submission.link_policy import LinkPolicy
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.jobs.submission.starter import Starter, Submission
from bot.jobs.submission.submit_gate import SubmitGate
from bot.jobs.submission.submitter import Submitter
from bot.jobs.updates import UpdateReceiver
from bot.models.jobs import CardLocation, Job, PendingReply
from bot.models.reference_links import ReferencesVia
from bot.polling.matching import LostPosts
from bot.polling.poller import StatusPoller
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.history import EstimatorHistory
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.replay import rebuild
from bot.quotas.warnings import BudgetWarnings
from bot.slots.slot import Slot, SlotState
from bot.storage.storage import Storage
from bot.tasks import InFlight, Tasks
from bot.telemetry.job_lines import ids_of, job_lines
from bot.telemetry.metrics import NO_METRICS, Metrics

GRACE = 2.0  # seconds that a stop leaves to what is on its way; a standby waits, and makes up for the rest


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
        slot: Slot,
        files: ReferenceFiles,
        references_via: ReferencesVia,
        model: str,
        deadline: timedelta,
        rate: RequestRate,
        notify_after: timedelta | None,
        metrics: Metrics = NO_METRICS,
    ) -> None:
        # Long, because every part of a job's life is made here, each after those that it needs.
        self._storage = storage
        self._quotas, self._budget_warnings = quotas, budget_warnings
        self._clock = clock
        self._slot = slot
        self._jobs = jobs = ActiveJobs(storage, quotas, clock, metrics)
        self.gate = gate = SubmitGate(clock)  # whether anything is submitted at all
        self._key_check, doubt = KeyCheck(gate, gmi, model, clock), gate.key_doubted.set
        self._links = links = LinkPolicy(references_via, files.uploads, storage.notes, clock, tasks)
        self._context = context = JobContext(
            storage, jobs, clock, tasks, deadline, InFlight(), gate, slot, links, metrics
        )
        estimator = DurationEstimator()
        keeps = slot.share.serves(0)
        self._history = EstimatorHistory(storage.notes, estimator, clock, keeps=keeps)
        lost_posts = LostPosts(gmi, storage, clock)
        poller = StatusPoller(gmi, clock, model, estimator, rate, lost_posts=lost_posts, on_key_refused=doubt)
        extras = CardExtras(estimator, quotas, clock)
        self._notifier = notifier = CardNotifier(context, delivery, extras, notify_after)
        poster = VideoPoster(context, delivery, notifier)
        lifecycle = Lifecycle(context, poller, notifier, poster, self._history)
        self._updates = UpdateReceiver(context, poller, lifecycle, notifier)
        self._submitter = Submitter(context, gmi, files, lifecycle, notifier, rate=rate)
        self._deletion = Deletion(context, delivery, notifier)
        self._recovery = Recovery(context, self._submitter, lifecycle, notifier, self._deletion)
        starter = Starter(context, quotas, self._submitter, model)
        self._new_jobs = NewJobs(context, quotas, budget_warnings, starter, self._recovery, notifier)
        self._cancellation = Cancellation(context, gmi, lifecycle, notifier)
        self._card_actions = CardActions(context, delivery, notifier, poster)
        self.erasure = JobErasure(context)

    def watch(self, on_change: Callable[[Job], None]) -> None:
        """Have this called for each new job, and for each that has ended or was deleted."""
        self._jobs.on_change = on_change

    async def open(self) -> None:
        """Take over what an earlier process left, before anything new can arrive."""
        await rebuild(self._quotas, self._storage, self._clock.now())
        await self._budget_warnings.load()
        await self._history.restore()
        await self._links.restore()
        await self._recovery.load()
        self._context.tasks.supervise(self._updates.run, "take updates of jobs")
        self._context.tasks.supervise(self._key_check.run, "check a refused key")
        self._context.tasks.supervise(self._notifier.mark_late, "mark jobs that take long")

    def resume(self) -> None:
        """Go on with what an earlier process left; called once Discord can be reached."""
        self._recovery.resume_all()

    async def close(self) -> None:
        """Take no new work, let what is on its way arrive, and stop; storage has the rest."""
        self._new_jobs.close()
        self._submitter.close()
        if self._slot.state is not SlotState.LOST:  # else nothing that arrives could be saved
            await self._context.in_flight.wait_idle(self._clock, GRACE)
        await self._context.tasks.close()
        await self._history.save(at_once=True)

    async def add_pending_reply(self, pending: PendingReply) -> None:
        """Remember that a member waits for an answer, until a job starts or the reply is removed."""
        shard = self._slot.home_shard(pending.location.guild_id)
        await self._storage.replies.add(replace(pending, shard=shard))

    async def remove_pending_reply(self, reply_id: int) -> None:
        """Forget a pending reply whose member has read a refusal."""
        await self._storage.replies.remove(reply_id)

    def open_jobs(self) -> list[Job]:
        """Return the jobs for which something is still to come."""
        return [job for job in self._jobs if job.is_open]

    def has(self, job_id: int) -> bool:
        """Tell whether this job is open."""
        return job_id in self._jobs

    async def start(self, submission: Submission) -> Job:
        """Reserve, store the intent, and send the request in the background; raises as `NewJobs.start`."""
        return await self._new_jobs.start(submission)

    async def cancel(self, job_id: int, user_id: int) -> CancelResult:
        """Cancel a job where that is still possible, and say honestly what came of this user's wish."""
        with self._jobs.log_lines(job_id):
            return await self._cancellation.cancel(job_id, user_id)

    async def recheck_cast(self, reference_id: int) -> None:
        """End the jobs that wait to be sent with a saved reference that their members can't use any more."""
        for job in list(self._jobs):
            if is_waiting_to_be_sent(job) and any(
                use.reference_id == reference_id for use in job.request.cast
            ):
                with self._jobs.log_lines(job.id):
                    await self._submitter.recheck_cast(job)

    async def move_card(self, job: Job, location: CardLocation) -> None:
        """Show a job's card, with its videos, in a new place that only its member sees.

        Raises Undeliverable.
        """
        with job_lines(lambda: ids_of(job)):
            await self._card_actions.move(job, location)

    async def renew_token(self, job: Job, token: str, expires: datetime) -> None:
        """Store the token of a click on a job's card. Raises StorageUnavailable."""
        with job_lines(lambda: ids_of(job)):
            await self._deletion.renew_token(job, token, expires)

    async def delete(self, job_id: int) -> DeleteResult:
        """Delete a job that has ended, with its card and all that is stored of its content."""
        return await self._deletion.delete(job_id)

"""The life of one job, start to end; and the same again after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from bot.clock import Clock, sleep
from bot.delivery.sender import Delivery, Upload
from bot.gmi.client import GmiCloud, GmiError, RequestStatus
from bot.jobs.active import ActiveJobs, rebuild_quotas
from bot.jobs.notifier import BACKOFF_FIRST, LATE_RESULTS, CardNotifier
from bot.jobs.submitter import SEARCH, Submitter, waits
from bot.models.jobs import (
    FOLLOWED,
    CardLocation,
    Charge,
    IllegalTransition,
    Job,
    PendingReply,
    Reason,
    State,
    can_move,
)
from bot.models.requests import VideoRequest
from bot.polling.estimator import DurationEstimator
from bot.polling.history import EstimatorHistory
from bot.polling.matching import LostPosts
from bot.polling.poller import StatusPoller, StatusUpdate
from bot.quotas.limiter import QuotaLimiter
from bot.storage.storage import Storage, StorageUnavailable
from bot.tasks import Tasks

log = logging.getLogger(__name__)

LINK_TOLD = timedelta(seconds=30)  # how long a link is missing before the member is told
LINK_AT_LEAST = timedelta(minutes=1)  # how long it is waited for where the deadline is near
AFTER_TROUBLE = timedelta(seconds=30)  # before news that could not be taken can come again
TIDY_EVERY = timedelta(hours=1)  # how often what no quota counts any more is dropped from memory
GRACE = 5.0  # seconds that a stop leaves to what is on its way


class DuplicateRequest(Exception):  # noqa: N818 - it names what happened
    """The same interaction was started before."""


class CancelResult(StrEnum):
    """What became of the wish to cancel a job."""

    YES = "yes"
    SENDING = "sending"  # it is on its way, nobody can know yet
    TOO_LATE = "too late"  # GMI has it, and makes it
    KEPT = "kept"  # GMI has it in line, and did not let go of it
    UNSURE = "unsure"  # GMI does not say how it stands
    ENDED = "ended"


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


class JobService:
    """Takes every job from its reservation to its last card."""

    def __init__(
        self,
        *,
        storage: Storage,
        quotas: QuotaLimiter,
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
        self._gmi = gmi
        self._clock = clock
        self._model = model
        self._deadline = deadline
        self._jobs = ActiveJobs(storage, quotas, clock)
        self._estimator = DurationEstimator()
        self._history = EstimatorHistory(storage, self._estimator, clock)
        lost_posts = LostPosts(gmi, storage, clock)
        self._poller = StatusPoller(
            gmi, clock, model, self._estimator, requests_per_minute, lost_posts=lost_posts
        )
        self._notifier = CardNotifier(
            storage,
            self._jobs,
            delivery,
            clock,
            notify_after,
            tasks=tasks,
            usual=self._usual,
            on_end=self._forget,
        )
        self._tasks = tasks
        self._submitter = Submitter(
            gmi,
            self._jobs,
            self._poller,
            clock,
            deadline,
            accept=self._accept,
            end=self._end,
            show=self._show,
        )
        self._closing = False
        self._left_waiting: list[PendingReply] = []
        self._left_open: list[Job] = []
        self._tidied = clock.now()

    async def open(self) -> None:
        """Take over what an earlier process left, before anything new can arrive."""
        await rebuild_quotas(self._storage, self._quotas, self._clock.now())
        await self._history.restore()
        self._left_waiting = await self._storage.replies.all()
        self._left_open = await self._storage.jobs.unfinished()
        for job in self._left_open:
            self._jobs.add(job)
        self._tasks.supervise(self._follow, "follow jobs")

    def resume(self) -> None:
        """Go on with what an earlier process left; called once Discord can be reached."""
        until = self._clock.now() + LATE_RESULTS
        for placeholder in self._left_waiting:
            self._tasks.persist(
                partial(self._notifier.report_lost_request, placeholder),
                f"apologise for {placeholder.id}",
                wanted=lambda: self._clock.now() < until,
            )
        for job in self._left_open:
            self._resume(job)
        self._left_waiting, self._left_open = [], []

    async def add_pending_reply(self, placeholder: PendingReply) -> None:
        """Remember that a member waits for an answer, until a job begins or `answered` is called."""
        await self._storage.replies.add(placeholder)

    def has(self, job_id: int) -> bool:
        """Tell whether this job is open."""
        return job_id in self._jobs

    async def remove_pending_reply(self, placeholder_id: int) -> None:
        """Forget a promise that was kept by a refusal."""
        await self._storage.replies.remove(placeholder_id)

    async def close(self) -> None:
        """Take no new work, let what is on its way arrive, and stop; the ledger has the rest."""
        self._closing = True
        self._submitter.close()
        waited = 0.0
        while (self._submitter.sending or self._notifier.posting) and waited < GRACE:
            await asyncio.sleep(0.05)
            waited += 0.05
        await self._tasks.close()
        await self._history.save(at_once=True)

    def check_quota(self, guild_id: int | None, user_id: int, role_ids: Sequence[int], seconds: int) -> None:
        """Raise QuotaExceeded if a video of that many seconds would not fit now; take nothing."""
        self._quotas.check(guild_id, user_id, role_ids, seconds, self._clock.now())

    async def start(self, order: Submission) -> Job:
        """Reserve, write the intent down, and send the request in the background.

        Raises QuotaExceeded when the quota does not allow it, Duplicate when it was started before, Closing
        when the bot is about to stop, StorageTrouble when the intent cannot be written down.
        """
        if self._closing:
            raise ShuttingDown
        now = self._clock.now()
        if now - self._tidied > TIDY_EVERY:
            self._quotas.forget_old(now)
            self._tidied = now
        if order.job_id in self._jobs or await self._storage.jobs.get(order.job_id) is not None:
            raise DuplicateRequest(str(order.job_id))
        if (
            self._closing
        ):  # meanwhile: from here to the place nothing awaits, and a stop waits for who has one
            raise ShuttingDown
        guild_id, duration = order.quota_guild_id, order.request.duration
        self._quotas.reserve(order.job_id, guild_id, order.user_id, order.role_ids, duration, now)
        # Who has to wait for a place is written down as waiting: then no crash leaves a doubt.
        placed = self._submitter.take_place()
        job = Job(
            order.job_id,
            order.user_id,
            order.location,
            order.request,
            self._model,
            now,
            quota_guild_id=guild_id,
            state_since=now,
            waiting_until=None if placed else now,
            spoiler=order.spoiler,
        )
        new = False
        try:
            new = await self._storage.jobs.add(job)
        except StorageUnavailable:
            self._tasks.spawn(self._jobs.withdraw(job), f"withdraw job {job.id}")
            raise
        finally:
            if not new:
                self._quotas.refund(job.id)
                if placed:
                    self._submitter.leave_place()
        if not new:
            raise DuplicateRequest(str(job.id))
        self._jobs.add(job)
        self._tasks.spawn(self._show_first(job.id, order), f"first card of job {job.id}")
        self._tasks.spawn(self._submit(job.id, placed=placed), f"submit job {job.id}")
        return job

    async def _show_first(self, job_id: int, order: Submission) -> None:
        """Show the first card; the references leave memory with it, or with the last attempt."""
        try:
            await self._notifier.show(job_id, order.uploads)
        except Exception:
            log.exception("Job %s: the first card could not be shown", job_id)
            self._show(job_id)
        finally:
            order.release()

    async def cancel(self, job_id: int) -> CancelResult:
        """Cancel a job where that is still possible, and tell the truth about it."""
        job = self._jobs.get(job_id)
        if job is None or not job.is_open:
            return CancelResult.ENDED
        if job.request_id is None:
            try:
                await self._jobs.change(job_id, State.CANCELLED, only_if=waits, reason=Reason.CANCELLED)
            except IllegalTransition:
                return CancelResult.SENDING
            self._care(job_id, partial(self._notifier.tell, job_id), f"last words on job {job_id}")
            return CancelResult.YES
        if job.state not in FOLLOWED:
            return CancelResult.TOO_LATE
        return await self._cancel_in_line(job_id, job.request_id)

    async def _cancel_in_line(self, job_id: int, request_id: str) -> CancelResult:
        """Cancel what GMI has in line: to delete what is being made could destroy a paid video."""
        asked = agreed = False
        try:
            report = await self._gmi.status(request_id)
            if report.state is State.QUEUED:
                asked, agreed = True, await self._gmi.cancel(request_id)
                report = await self._gmi.status(request_id)
        except GmiError as error:
            log.warning("Job %s: not known whether it is cancelled: %s", job_id, error)
            return CancelResult.UNSURE
        if job_id in self._jobs:
            with contextlib.suppress(IllegalTransition):  # it was heard at the same moment
                await self._take(job_id, report)
        match report.state:
            case State.CANCELLED:
                return CancelResult.YES
            case State.PROCESSING | State.SUCCEEDED:
                return CancelResult.TOO_LATE
            case State.QUEUED if asked and not agreed:
                return CancelResult.KEPT
            case State.QUEUED | None:
                return CancelResult.UNSURE
        return CancelResult.ENDED

    async def move_card(self, job: Job, location: CardLocation) -> None:
        """Show a job's card, with its videos, at a new address that only its member sees.

        Raises Undeliverable.
        """
        await self._notifier.move_card(job, location)

    def deleting(self, job_id: int) -> AbstractAsyncContextManager[None]:
        """Keep everything off the card of a job that `has` knows while somebody deletes it."""
        return self._notifier.deleting(job_id)

    async def _submit(self, job_id: int, *, placed: bool = False) -> None:
        """Send a job; after a failure that nobody expected go on as after a restart: never a second POST."""
        try:
            await self._submitter.send(job_id, placed=placed)
        except Exception:
            log.exception("Job %s: could not be sent in the usual way", job_id)
            self._care(job_id, partial(self._go_on, job_id), f"go on with job {job_id}")

    async def _go_on(self, job_id: int) -> None:
        await sleep(self._clock, BACKOFF_FIRST)  # what failed may fail again: not in a tight loop
        job = self._jobs.get(job_id)
        if job is not None:
            self._resume(job)

    def _care(self, job_id: int, work: Callable[[], Coroutine[Any, Any, object]], name: str) -> None:
        """Do something for a job that may be repeated, until it is done or nothing is left to do for it."""
        self._tasks.persist(work, name, wanted=lambda: job_id in self._jobs)

    def _show(self, job_id: int) -> None:
        self._care(job_id, partial(self._notifier.show, job_id), f"card of job {job_id}")

    async def _accept(self, job_id: int, report: RequestStatus) -> None:
        """Take over a request that GMI has, in whatever state it already is."""
        unexplained = report.state is State.FAILED and report.reason is None
        if unexplained or report.state in {None, State.QUEUED, State.PROCESSING}:
            state = State.PROCESSING if report.state is State.PROCESSING else State.QUEUED
            job = await self._jobs.change(job_id, state, request_id=report.request_id, reason=None)
            self._keep_following(job, doubted=report if unexplained else None)
            self._show(job_id)
        else:
            await self._take(job_id, report)

    async def _follow(self) -> None:
        async for news in self._poller.updates():
            try:
                await self._hear(news)
            except Exception:
                # One job's trouble must not stop the others; the ledger still has its last good state.
                log.exception("Job %s: could not take the news", news.job_id)
                job = self._jobs.get(news.job_id)
                if job is not None:
                    self._keep_following(job, at_least=AFTER_TROUBLE)

    async def _hear(self, news: StatusUpdate) -> None:
        job = self._jobs.get(news.job_id)
        if job is None:
            self._poller.drop(news.job_id)
        elif news.status is None:
            await self._time_is_up(job)
        elif job.request_id is None:
            log.info("Job %s: found as %s", job.id, news.status.request_id)
            await self._accept(job.id, news.status)
        else:
            await self._take(job.id, news.status)

    async def _time_is_up(self, job: Job) -> None:
        """Tell the member first, look on for a day, and close the job then."""
        if job.awaits_link:
            await self._link_is_missing(job)
            return
        if job.state in {State.OVERDUE, State.UNCONFIRMED}:
            # The card has said all along that nothing may come of it.
            await self._jobs.change(job.id, State.FAILED, reason=job.reason, acknowledged=True)
            self._forget(job.id)
            return
        lost = job.request_id is None
        state, reason = (State.UNCONFIRMED, Reason.UNCLEAR) if lost else (State.OVERDUE, Reason.DEADLINE)
        job = await self._jobs.change(job.id, state, reason=reason)
        self._keep_following(job)
        self._care(job.id, partial(self._notifier.tell, job.id), f"last words on job {job.id}")

    async def _link_is_missing(self, job: Job) -> None:
        """Tell the member that a finished video has no link yet, or give it up when its time is over."""
        if job.reason is Reason.NO_RESULT:
            await self._end(job.id, State.FAILED, Reason.NO_RESULT)
            return
        job = await self._jobs.note(job.id, reason=Reason.NO_RESULT)
        self._keep_following(job)
        self._show(job.id)

    async def _take(self, job_id: int, report: RequestStatus) -> None:
        """Let a report of GMI move the job, where the table allows it."""
        job, state = self._jobs[job_id], report.state
        if state is None or not can_move(job, state):
            return
        if state is State.SUCCEEDED and not report.results:
            if not job.awaits_link:
                job = await self._jobs.change(job_id, state, request_id=report.request_id, reason=None)
                self._keep_following(job)
        elif state is State.SUCCEEDED:
            await self._jobs.change(
                job_id, state, request_id=report.request_id, results=report.results, reason=None
            )
            self._poller.drop(job_id)
            self._care(job_id, partial(self._notifier.deliver, job_id), f"deliver job {job_id}")
            self._tasks.spawn(self._history.save(), "keep what was learned")
        elif state in FOLLOWED:
            await self._jobs.change(job_id, state)
            self._show(job_id)
        else:
            await self._end(
                job_id, state, report.reason or Reason.FAILED, report.detail, request_id=report.request_id
            )

    async def _end(
        self,
        job_id: int,
        state: State,
        reason: Reason,
        detail: str | None = None,
        *,
        request_id: str | None = None,
    ) -> None:
        """Close the job without a video and say why."""
        request_id = request_id or self._jobs[job_id].request_id
        await self._jobs.change(job_id, state, reason=reason, detail=detail, request_id=request_id)
        self._poller.drop(job_id)
        self._care(job_id, partial(self._notifier.tell, job_id), f"last words on job {job_id}")

    def _keep_following(
        self, job: Job, *, doubted: RequestStatus | None = None, at_least: timedelta = timedelta()
    ) -> None:
        """Ask about a job, or look for it, until the moment at which its state is to be told or given up."""
        until = self._followed_until(job)
        if until is not None:
            self._poller.track(job, max(self._clock.now() + at_least, until), unexplained=doubted)
        else:
            self._poller.drop(job.id)

    def _followed_until(self, job: Job) -> datetime | None:
        """Return that moment; None for a job that nobody has to ask about."""
        since, deadline = job.state_since or job.created_at, job.created_at + self._deadline
        match job.state:
            case State.SUBMITTING if job.request_id is None and job.waiting_until is None:
                return self._clock.now() + SEARCH
            case State.SUBMITTING if job.request_id is not None:
                return deadline
            case State.QUEUED | State.PROCESSING:
                return deadline
            case State.OVERDUE | State.UNCONFIRMED:
                return since + LATE_RESULTS
            case State.SUCCEEDED if job.awaits_link and job.reason is None:
                return since + LINK_TOLD
            case State.SUCCEEDED if job.awaits_link:
                # What was given back had been told to be late: it is looked for a day longer.
                late = LATE_RESULTS if job.charge is Charge.REFUNDED else timedelta()
                return max(deadline + late, since + LINK_AT_LEAST)
        return None

    def _resume(self, job: Job) -> None:
        match job.state:
            case State.SUBMITTING if waits(job):
                self._tasks.spawn(self._submit(job.id), f"submit job {job.id}")
            case State.SUCCEEDED if not job.awaits_link:
                self._care(job.id, partial(self._notifier.deliver, job.id), f"deliver job {job.id}")
            case State.DELIVERED:
                self._resume_delivered(job)
                return
            case _:
                self._keep_following(job)
        if not job.acknowledged and (not job.is_open or job.state in {State.OVERDUE, State.UNCONFIRMED}):
            self._care(job.id, partial(self._notifier.tell, job.id), f"last words on job {job.id}")

    def _resume_delivered(self, job: Job) -> None:
        if job.refetch_until is not None:
            again = partial(self._notifier.refetch, job.id)
            self._care(job.id, again, f"fetch the video of job {job.id} again")
        if not job.acknowledged:
            self._care(job.id, partial(self._notifier.part, job.id), f"part from job {job.id}")

    def _usual(self, job: Job) -> float | None:
        return self._estimator.median(job.model, job.request.duration)

    def _forget(self, job_id: int) -> None:
        """Drop a job for which nothing is left to do from memory; the ledger keeps it."""
        self._poller.drop(job_id)
        self._jobs.drop(job_id)
        self._notifier.forget(job_id)

"""The first step of a job: everything that it costs is reserved, and its row is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.delivery.sender import Upload
from bot.jobs.context import JobContext
from bot.jobs.submission.submitter import Submitter
from bot.models.continuations import Continuation
from bot.models.jobs import CardLocation, Job
from bot.models.reference_links import LinkStage
from bot.models.requests import VideoRequest
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.shared import SharedQuotas
from bot.storage.quotas import Admission
from bot.storage.storage import StorageUnavailable
from bot.telemetry.job_lines import ids_of, job_lines


class DuplicateRequest(Exception):  # noqa: N818 - it names what happened
    """The same interaction was started before."""


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
    continues: Continuation | None = None
    release: Callable[[], None] = lambda: None  # called once the uploads are needed no more

    def job(
        self,
        model: str,
        now: datetime,
        *,
        shard: int,
        waits: bool,
        first: bool = False,
        links: LinkStage = LinkStage.GIVEN,
    ) -> Job:
        """Return the job that begins with this; one that waits is stored as certainly not sent."""
        return Job(
            self.job_id,
            self.user_id,
            self.location,
            self.request,
            model,
            now,
            shard=shard,
            quota_guild_id=self.quota_guild_id,
            state_since=now,
            waiting_until=now if waits else None,
            links=links,
            spoiler=self.spoiler,
            continues=self.continues,
            first=first,
        )


class Starter:
    """Reserves and stores new jobs."""

    def __init__(self, context: JobContext, quotas: QuotaLimiter, submitter: Submitter, model: str) -> None:
        self._context = context
        self._quotas = quotas
        self.shared = SharedQuotas(quotas, context.storage, context.slot.share)
        self._submitter = submitter
        self._model = model

    async def start(self, submission: Submission, now: datetime, *, first: bool) -> tuple[Job, bool]:
        """Take what a job costs wherever it counts, store it, and return it and whether it has a place.

        Up to the place nothing awaits. Raises LimitExceeded, SubmitClosed, DuplicateRequest where the job is
        stored already, and StorageUnavailable; then nothing is taken.
        """
        guild_id, user_id = submission.quota_guild_id, submission.user_id
        seconds = submission.request.duration
        if submission.job_id in self._quotas:
            raise DuplicateRequest(str(submission.job_id))  # its other arrival is being stored just now
        self._context.gate.check()
        # Where other processes count as well, the transaction of the new job reserves it.
        admission = self.shared.admission(guild_id, user_id, submission.role_ids, seconds, now)
        if admission is None:
            self._quotas.reserve(submission.job_id, guild_id, user_id, submission.role_ids, seconds, now)
        self._context.gate.admit(submission.job_id)
        # Whoever has to wait for a place is stored as waiting: then no crash leaves a doubt.
        links = self._context.link_policy.first_stage()
        placed = links is LinkStage.GIVEN and self._submitter.take_place()
        shard = self._context.slot.home_shard(submission.location.guild_id)
        job = submission.job(self._model, now, shard=shard, waits=not placed, first=first, links=links)
        await self._insert(job, placed, admission)
        if admission is not None:
            self.shared.take(job)
        return job, placed

    async def _insert(self, job: Job, placed: bool, admission: Admission | None) -> None:
        """Store a new job, or give back what was taken for it."""
        new = False
        budgets = self._quotas.budgets.of_place(job.quota_guild_id)
        try:
            new = await self._context.storage.jobs.add(job, budgets, admission)
        except StorageUnavailable:
            withdrawal = self._context.jobs.withdraw(job)
            within = partial(job_lines, partial(ids_of, job))
            self._context.tasks.spawn(withdrawal, f"withdraw job {job.id}", within=within)
            raise
        finally:
            if not new:
                self._quotas.withdraw(job.id)
                self._context.gate.release(job.id)
                if placed:
                    self._submitter.leave_place()
        if not new:
            raise DuplicateRequest(str(job.id))

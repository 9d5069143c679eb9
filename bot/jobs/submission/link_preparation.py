"""What comes before the POST of a job whose files are to be uploaded. Nothing here costs money."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from enum import StrEnum

from bot.jobs.active import is_waiting_to_be_sent
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.context import JobContext
from bot.jobs.lifecycle import Lifecycle
from bot.jobs.submission.link_policy import uploads_help
from bot.jobs.submission.pauses import Pauses
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.jobs.submission.submit_gate import SubmitClosed
from bot.media.uploads import UploadError
from bot.models.jobs import IllegalTransition, Job
from bot.models.reference_links import LinkStage
from bot.models.requests import Reference
from bot.models.states import Reason, State

log = logging.getLogger(__name__)


class Prepared(StrEnum):
    """Whether a job can be sent now."""

    YES = "yes"
    LATER = "later"  # after its pause, once its files are uploaded
    NO = "no"  # it has ended


class LinkPreparation:
    """Uploads the files of jobs that wait for it; a restart begins with them anew."""

    def __init__(
        self,
        context: JobContext,
        files: ReferenceFiles,
        lifecycle: Lifecycle,
        notifier: CardNotifier,
        pauses: Pauses,
    ) -> None:
        self._context = context
        self._jobs = context.jobs
        self._files = files
        self._lifecycle = lifecycle
        self._notifier = notifier
        self._pauses = pauses

    async def prepare(self, job_id: int, pause: float) -> Prepared:
        """Have the files of a job uploaded, if that is to be done; else pause, fall back or end the job."""
        job = self._jobs.get(job_id)
        if job is None or not _is_to_upload(job):
            return Prepared.YES
        context = self._context
        try:
            context.gate.check(job_id)
        except SubmitClosed as closed:
            return await self._end(job, State.REFUSED, closed.reason)
        if context.clock.now() > job.created_at + context.deadline:
            return await self._end(job, State.REFUSED, job.reason or Reason.NOT_SENT)
        await self._pauses.end(job_id)
        try:
            references, cast = await self._files.upload(job), await self._files.cast(job)
        except UploadError as error:
            log.warning("Job %s: files not uploaded: %s", job_id, error)
            return await self._after_failure(job, error, pause)
        job = replace(job, request=replace(job.request, cast=cast))
        return await self._keep(job, references, LinkStage.UPLOADED)

    async def _after_failure(self, job: Job, error: UploadError, pause: float) -> Prepared:
        if job.resent_at is None and self._context.link_policy.may_fall_back:
            return await self._keep(job, job.request.references, LinkStage.GIVEN)
        if error.reason is Reason.KEY:
            self._context.gate.key_doubted.set()
            return await self._end(job, State.REFUSED, Reason.KEY)
        if not error.passing and job.resent_at is not None:
            return await self._end(job, State.FAILED, Reason.DOWNLOAD)
        if not error.passing:
            return await self._end(job, State.REFUSED, Reason.NOT_UPLOADED)
        try:
            paused = await self._pauses.begin(job.id, error.reason, error.retry_after, pause)
        except IllegalTransition:
            return Prepared.NO  # cancelled meanwhile
        return Prepared.LATER if paused else Prepared.NO

    async def _keep(self, job: Job, references: tuple[Reference, ...], stage: LinkStage) -> Prepared:
        """Store the links that the POST is to have: whoever looks for a lost one knows them."""

        def kept(latest: Job) -> Job:
            request = replace(latest.request, references=references, cast=job.request.cast)
            return replace(latest, request=request, links=stage)

        try:
            job = await self._jobs.update(job.id, kept, only_if=_is_to_upload)
        except IllegalTransition:
            return Prepared.NO  # cancelled meanwhile
        if job.resent_at is not None and not uploads_help(job):
            return await self._end(job, State.FAILED, Reason.MOV)
        self._notifier.schedule_show(job.id)
        return Prepared.YES

    async def _end(self, job: Job, state: State, reason: Reason) -> Prepared:
        with contextlib.suppress(IllegalTransition):  # cancelled meanwhile
            await self._lifecycle.end(job.id, state, reason, job.detail, only_if=is_waiting_to_be_sent)
        return Prepared.NO


def _is_to_upload(job: Job) -> bool:
    return is_waiting_to_be_sent(job) and job.links is LinkStage.TO_UPLOAD

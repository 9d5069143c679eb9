"""Decides by which links references are given to GMI Cloud, and whether a request is sent once more."""

from __future__ import annotations

import asyncio
import logging

from bot.clock import Clock
from bot.media.uploads import ReferenceUploads
from bot.models.catalog import Kind
from bot.models.jobs import Job, can_move
from bot.models.reference_links import LinkHealth, LinkStage, ReferencesVia
from bot.models.states import Reason, State
from bot.storage.notes import NoteStore
from bot.tasks import Tasks

log = logging.getLogger(__name__)

NOTE = "links of references"
_CULPRITS = {"ImageDownloadFailure": Kind.IMAGE, "VideoDownloadFailure": Kind.VIDEO}  # [Vidu]


class LinkPolicy:
    """Knows what the operator chose, and how Discord's links have worked lately."""

    def __init__(
        self, via: ReferencesVia, uploads: ReferenceUploads, notes: NoteStore, clock: Clock, tasks: Tasks
    ) -> None:
        self._via = via
        self._uploads = uploads
        self._notes = notes
        self._clock = clock
        self._tasks = tasks
        self._health = LinkHealth()
        self._saving = asyncio.Lock()

    @property
    def may_fall_back(self) -> bool:
        """Return whether Discord's links may be given where an upload does not work."""
        return self._via is not ReferencesVia.UPLOAD

    async def restore(self) -> None:
        """Read how links worked in an earlier process. Raises StorageUnavailable."""
        self._health = LinkHealth.load(await self._notes.get(NOTE))

    def first_stage(self) -> LinkStage:
        """Return by which links a new request is sent."""
        first = self._via is ReferencesVia.AUTO and self._health.uploads_first(self._clock.now())
        return LinkStage.TO_UPLOAD if first or self._via is ReferencesVia.UPLOAD else LinkStage.GIVEN

    def may_resend(self, job: Job) -> bool:
        """Return whether a request whose files GMI could not fetch is sent once more, with uploads.

        Nobody is billed for the first one: it definitely ended without a video.
        """
        wanted = self._via is not ReferencesVia.LINK and job.cancelled_by is None
        return wanted and can_move(job, State.SUBMITTING)

    def note_failure(self, job: Job) -> None:
        """Take that GMI could not fetch a file of this job."""
        uploaded = {reference.uploaded_url for reference in job.request.references}
        cast = {link for use in job.request.cast for link in use.links}
        self._uploads.forget(cast | {link for link in uploaded if link is not None})
        if job.links is LinkStage.GIVEN:
            self._note(self._health.failed(self._clock.now()))

    def note_success(self, job: Job) -> None:
        """Take that a video came of this job."""
        if job.links is LinkStage.GIVEN:
            self._note(self._health.worked(self._clock.now()))

    def _note(self, health: LinkHealth) -> None:
        if health == self._health:
            return
        if health.rounds > self._health.rounds:
            log.warning(
                "GMI Cloud could not read Discord's links again and again: files are uploaded first until %s",
                health.uploads_until,
            )
        self._health = health
        self._tasks.spawn(self._save(), "keep how links of references work")

    async def _save(self) -> None:
        async with self._saving:  # whoever is last writes how it stands then
            await self._notes.save(NOTE, self._health.dump())


def failed_for_good(job: Job, detail: str | None) -> Reason:
    """Return why a request is given up whose files GMI could not fetch."""
    return Reason.MOV if job.links is LinkStage.UPLOADED and _left_as_link(job, detail) else Reason.DOWNLOAD


def uploads_help(job: Job) -> bool:
    """Return whether what GMI could not fetch may be among the files that are uploaded now."""
    kind = _CULPRITS.get(job.detail or "")
    suspects = [reference for reference in job.request.references if kind in {None, reference.kind}]
    return not suspects or any(reference.uploaded_url for reference in suspects)


def _left_as_link(job: Job, detail: str | None) -> bool:
    """Return whether a file that GMI may have stumbled over has no upload: only a MOV can't have one."""
    kind = _CULPRITS.get(detail or "")
    return any(
        reference.uploaded_url is None and kind in {None, reference.kind}
        for reference in job.request.references
    )

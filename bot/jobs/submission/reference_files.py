"""The files of a job, from Discord into GMI Cloud's own storage."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.delivery.sender import Delivery
from bot.jobs.submission.job_cast import JobCast
from bot.media.byte_budget import ByteBudget
from bot.media.cdn import Cdn, CdnError, LargerThanAllowed
from bot.media.inspection.formats import detect
from bot.media.uploads import ReferenceUploads, UploadError
from bot.models.jobs import Job
from bot.models.problems import FileFormat
from bot.models.requests import CastUse, Reference
from bot.ui.cards import reference_filename

log = logging.getLogger(__name__)

MEMORY = 100 * 1024 * 1024  # bytes of files on their way at once: the largest clip that is accepted
_TYPES = {FileFormat.PNG: "image/png", FileFormat.JPEG: "image/jpeg", FileFormat.MP4: "video/mp4"}

Reencode = Callable[[bytes], Awaitable[bytes | None]]


class ReferenceFiles:
    """Reads files from Discord again, one of a job at a time, and uploads them."""

    def __init__(
        self,
        cdn: Cdn,
        uploads: ReferenceUploads,
        reencode: Reencode,
        delivery: Delivery,
        cast: JobCast | None = None,
    ) -> None:
        self._cdn = cdn
        self._reencode = reencode
        self._delivery = delivery
        self.uploads = uploads
        self._cast = cast
        self._memory = ByteBudget(MEMORY)

    async def may_use_cast(self, job: Job) -> bool:
        """Tell whether the job's member may use its saved references now. Raises StorageUnavailable."""
        return self._cast is None or await self._cast.allowed(job)

    async def cast(self, job: Job) -> tuple[CastUse, ...]:
        """Return the job's saved references with links that live now. Raises UploadError."""
        return job.request.cast if self._cast is None else await self._cast.renewed(job)

    async def upload(self, job: Job) -> tuple[Reference, ...]:
        """Return the job's references with the links of their uploads; a MOV has none. Raises UploadError."""
        found = []
        for position, reference in enumerate(job.request.references, start=1):
            async with self._memory.lend(reference.size):
                content = await self._read(job, position, reference)
                found.append(await self._upload(reference, content))
        return tuple(found)

    async def _read(self, job: Job, position: int, reference: Reference) -> bytes:
        try:
            return await self._cdn.read(reference.url, reference.size)
        except (CdnError, LargerThanAllowed) as error:
            log.info("Job %s: a file is read from its card instead (%s)", job.id, error)
        # The links of a command die early; those on the card are renewed whenever its message is read.
        kept = await self._delivery.references(job) if job.location.keeps_references else []
        links = {attachment.filename: attachment.url for attachment in kept}
        try:
            link = links.get(reference_filename(position, reference), "")
            return await self._cdn.read(link, reference.size)
        except (CdnError, LargerThanAllowed) as error:
            raise UploadError(f"a file could not be read: {error}", passing=False) from None

    async def _upload(self, reference: Reference, content: bytes) -> Reference:
        if _format(content) is FileFormat.WEBP:
            content = await self._reencode(content) or b""
        content_type = _TYPES.get(_format(content))
        if content_type is None:
            if content:
                return reference
            raise UploadError("a picture could not be re-encoded", passing=False)
        digest = await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest())

        async def read_bytes() -> bytes:
            return content

        link = await self.uploads.link_of(digest, content_type, read_bytes)
        return replace(reference, uploaded_url=link)


def _format(content: bytes) -> FileFormat:
    found = detect(content)
    return FileFormat.OTHER if found is None else found.name

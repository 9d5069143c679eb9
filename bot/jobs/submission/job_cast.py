"""The saved references of a job that waits to be sent: whether its member may still use them."""

from __future__ import annotations

from bot.cast.links import CastLinks
from bot.cast.service import CastService
from bot.models.jobs import Job
from bot.models.requests import CastUse


class JobCast:
    """Asks again right before a job is sent: whoever shared a reference may have ended that."""

    def __init__(self, service: CastService, links: CastLinks) -> None:
        self._service = service
        self._links = links

    async def allowed(self, job: Job) -> bool:
        """Tell whether the job's member may use all of its references now. Raises StorageUnavailable."""
        ids = [use.reference_id for use in job.request.cast]
        return not ids or await self._service.allows(job.user_id, job.quota_guild_id, ids)

    async def renewed(self, job: Job) -> tuple[CastUse, ...]:
        """Return the job's references with links that live now. Raises UploadError, StorageUnavailable."""
        return await self._links.renewed(job.request.cast)

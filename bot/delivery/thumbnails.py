"""Small pictures for the list of a member's videos: the first image that each card has kept.

Discord shows images only as a thumbnail, and its links to files live for about a day, so none is stored: the
card is read anew. A list waits for that a moment at most, and goes without what has not come by then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.delivery.sender import Delivery
from bot.models.catalog import Kind
from bot.models.jobs import Job
from bot.telemetry.job_lines import ids_of, job_lines
from bot.ui.cards import reference_filename

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds that a list waits for its pictures
LIFETIME = timedelta(hours=1)  # how long what was found is used again; Discord's links live for about a day
KEPT_MAX = 1000  # cards; some 300 kB


@dataclass(frozen=True, slots=True)
class _Found:
    url: str | None  # None: there is none, or the bot may not read it
    until: datetime


class Thumbnails:
    """Finds the pictures of a page's jobs, each card once an hour at most."""

    def __init__(self, delivery: Delivery, clock: Clock) -> None:
        self._delivery = delivery
        self._clock = clock
        self._found: dict[int, _Found] = {}  # by job, the oldest first

    async def of(self, jobs: Iterable[Job]) -> dict[int, str]:
        """Return the links by job; a job without a picture, or whose card was too slow, has none."""
        wanted = [job for job in jobs if _image_name(job) is not None]
        now = self._clock.now()
        unknown = [job for job in wanted if (found := self._found.get(job.id)) is None or found.until <= now]
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.gather(*(self._look(job) for job in unknown))
        except TimeoutError:
            log.info("A list is shown without all of its pictures: Discord took too long")
        links = {job.id: found.url for job in wanted if (found := self._found.get(job.id)) is not None}
        return {job_id: url for job_id, url in links.items() if url is not None}

    async def _look(self, job: Job) -> None:
        """Read the card of a job; whatever is wrong with it costs no more than its picture."""
        try:
            attachments = await self._delivery.references(job)
        except Exception:
            with job_lines(lambda: ids_of(job)):
                log.exception("Job %s: no picture for the list", job.id)
            attachments = []
        name = _image_name(job)
        url = next((attached.url for attached in attachments if attached.filename == name), None)
        self._found.pop(job.id, None)
        self._found[job.id] = _Found(url, self._clock.now() + LIFETIME)
        if len(self._found) > KEPT_MAX:
            del self._found[next(iter(self._found))]


def _image_name(job: Job) -> str | None:
    """Return the name of the first image that the card of a job has kept."""
    if not job.location.keeps_references:
        return None
    for position, reference in enumerate(job.request.references, start=1):
        if reference.kind is Kind.IMAGE:
            return reference_filename(position, reference)
    return None

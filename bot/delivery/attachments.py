"""The files on a card: the references that it keeps, and the videos that are there already."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord

from bot.delivery.routes import UNSURE, Gone, Routes, Undeliverable
from bot.models.jobs import Job
from bot.ui.cards import reference_filename, video_filename
from bot.ui.custom_ids import CardAction, card_button_id

log = logging.getLogger(__name__)

ATTACHMENTS_MAX = 10  # of one message [Discord]; the videos come before the references


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to put on a card."""

    name: str
    data: bytes

    def file(self) -> discord.File:
        """Return it as discord.py sends it."""
        return discord.File(io.BytesIO(self.data), filename=self.name)


@dataclass(frozen=True, slots=True)
class CardFiles:
    """What a delivered card has, and which of its videos are among that."""

    kept: list[discord.Attachment]
    has_video: list[bool]  # by position


class CardAttachments:
    """Knows the files on the cards of open jobs, and reads them anew from Discord."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._kept: dict[int, list[discord.Attachment]] = {}  # the references on a card, by open job

    def forget(self, job_id: int) -> None:
        """Drop what was remembered about a job that has ended."""
        self._kept.pop(job_id, None)

    def remember(self, job_id: int, attachments: Sequence[discord.Attachment]) -> None:
        """Remember what the first card of a job that keeps its references came with."""
        self._kept.setdefault(job_id, list(attachments))

    async def for_videos(self, job: Job, videos: int) -> list[discord.Attachment]:
        """Return the references to keep beside so many videos, fetched anew after a restart."""
        if not job.location.keeps_references:
            return []
        if job.id not in self._kept:
            found = await self._read_references(job)
            if found is None:
                return []
            self._kept[job.id] = found
        if len(self._kept[job.id]) + videos > ATTACHMENTS_MAX:
            self._kept[job.id] = []
        return self._kept[job.id]

    async def fresh_references(self, job: Job) -> list[discord.Attachment]:
        """Return the references on a card with fresh links; none if it is out of reach."""
        # Never from memory: Discord's links to files live for about a day.
        return await self._read_references(job) or []

    async def of_delivered(self, job: Job) -> CardFiles:
        """Return what a delivered card has as Discord has it now, or as far as the bot may know it.

        Raises Gone where there is no such card any more, Undeliverable where nobody knows.
        """
        message = await self._read_delivered(job)
        attached = list(message.attachments) if message is not None else self._kept.get(job.id, [])
        names = {attachment.filename for attachment in attached}
        videos = [video_filename(job, position) for position in range(1, len(job.results) + 1)]
        references = reference_names(job) if job.location.keeps_references else set()
        if len(references) + len(videos) > ATTACHMENTS_MAX:
            references = set()
        wanted = references.union(videos)
        kept = [attachment for attachment in attached if attachment.filename in wanted]
        return CardFiles(kept, [name in names for name in videos])

    async def _read_references(self, job: Job) -> list[discord.Attachment] | None:
        """Return the references on the card as Discord has them now, None where it is out of reach."""
        location = job.location
        if not location.keeps_references or location.message_id is None:
            return None
        if (location.private or location.guest) and not self._routes.token_lives(job):
            return None  # nothing else reaches that message
        by_token = location.private or location.guest
        try:
            message = await self._routes.messages.read(job, by_token=by_token)
        except (discord.HTTPException, *UNSURE) as error:
            log.info("Job %s: its references could not be read again (%s)", job.id, type(error).__name__)
            return None
        names = reference_names(job)
        return [attachment for attachment in message.attachments if attachment.filename in names]

    async def _read_delivered(self, job: Job) -> discord.Message | None:
        """Return the message of a delivered card, None where the bot may not read it.

        Raises Gone where it is not there any more, Undeliverable where nobody knows.
        """
        own = job.location.private or job.location.guest
        for by_token in [True, False] if own and self._routes.token_lives(job) else [False]:
            try:
                message = await self._routes.messages.read(job, by_token=by_token)
            except UNSURE as error:
                raise Undeliverable(f"the card of job {job.id} is unsure ({type(error).__name__})") from None
            except discord.HTTPException as error:
                if self._routes.is_gone(job, error):
                    continue  # a token does not reach a direct message
                return None
            if not _has_button(message.components, card_button_id(CardAction.DELETE, job.id)):
                raise Gone(f"the card of job {job.id} was deleted")
            return message
        raise Gone(f"the card of job {job.id} is not there any more")


def reference_names(job: Job) -> set[str]:
    """Return the names under which a card keeps the references of a job."""
    return {
        reference_filename(position, reference)
        for position, reference in enumerate(job.request.references, start=1)
    }


def keeping_references(job: Job, keeps: bool) -> Job:
    """Return the job as one whose card has its references, or has not."""
    return replace(job, location=replace(job.location, keeps_references=keeps))


def _has_button(components: Sequence[Any], custom_id: str) -> bool:
    return any(
        getattr(component, "custom_id", None) == custom_id
        or _has_button(getattr(component, "children", ()), custom_id)
        for component in components
    )

"""Writes entries into the log channel of a server, and brings those of jobs up to date."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from bot.models.budgets import Price
from bot.models.jobs import Job
from bot.moderation.service import ModerationService
from bot.storage.jobs import JobStore
from bot.storage.moderation_log import LogEntry, ModerationLogStore, Shown
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui.texts import moderation_log as texts

log = logging.getLogger(__name__)

ENTRIES_MAX = 5  # of a message, which has 4,000 characters in all [Discord]; an entry takes up to 700


class LogUnwritable(Exception):  # noqa: N818 - it names what happened
    """The bot may not write into a log channel, or it is gone."""


class LogUnavailable(Exception):  # noqa: N818 - as above
    """Discord is in trouble that is likely to pass."""


class LogPoster(Protocol):
    """What writes into channels; raises LogUnwritable and LogUnavailable."""

    async def post(self, channel_id: int, text: str, *, reported: int | None = None) -> int:
        """Post a message and return its id; with a button that removes the video of a reported job."""
        ...

    async def edit(self, channel_id: int, message_id: int, text: str) -> None:
        """Replace the text of a message."""
        ...


class LogWriter:
    """Writes one message at a time; what is written is taken out of what was given."""

    def __init__(
        self,
        moderation: ModerationService,
        store: ModerationLogStore,
        jobs: JobStore,
        poster: LogPoster,
        price: Price | None,
    ) -> None:
        self._moderation = moderation
        self._store = store
        self._jobs = jobs
        self._poster = poster
        self._price = price

    async def write_notes(self, guild_id: int, notes: list[str]) -> None:
        """Write the first notes in one message. Raises LogUnwritable: then all of them are dropped.

        Raises LogUnavailable where they should be tried again.
        """
        channel_id = self._moderation.settings(guild_id).log_channel_id
        if channel_id is None:
            notes.clear()
            return
        batch = notes[:ENTRIES_MAX]
        if not batch:
            return
        try:
            await self._post(guild_id, channel_id, batch)
        except LogUnwritable:
            notes.clear()  # what could not be written is not kept: it holds what members typed
            raise
        del notes[: len(batch)]

    async def write_jobs(self, guild_id: int, changed: set[int]) -> None:
        """Bring the entries of jobs up to date, and post those of the first new ones in one message.

        A job is taken out before it is read: what changes meanwhile is written again. Raises LogUnwritable,
        and LogUnavailable or StorageUnavailable where what is left should be tried again.
        """
        known = await self._store.entries(changed)
        for message_id in {entry.message_id for entry in known}:
            shown = {entry.job_id for entry in known if entry.message_id == message_id}
            changed.difference_update(shown)
            try:
                await self._update(message_id)
            except (LogUnavailable, StorageUnavailable):
                changed.update(shown)
                raise
        batch = sorted(changed.difference(entry.job_id for entry in known))[:ENTRIES_MAX]
        changed.difference_update(batch)
        try:
            await self._post_jobs(guild_id, batch)
        except LogUnavailable:
            changed.update(batch)
            raise

    async def _post_jobs(self, guild_id: int, job_ids: Sequence[int]) -> None:
        """Post the entries of new jobs; of those that were deleted meanwhile there is nothing to say."""
        channel_id = self._moderation.settings(guild_id).log_channel_id
        found = [job for job in await self.read(job_ids) if job.deleted_at is None]
        if channel_id is None or not found:
            return
        message_id = await self._post(guild_id, channel_id, self._lines(found))
        await self._store.save_entries([_entry(job, channel_id, message_id) for job in found])

    async def _update(self, message_id: int) -> None:
        """Write a message anew, as its jobs are now."""
        entries = await self._store.entries_of_message(message_id)
        found = await self.read([entry.job_id for entry in entries])
        if not found:
            return
        channel_id = entries[0].channel_id
        try:
            await self._poster.edit(channel_id, message_id, texts.joined(self._lines(found)))
        except LogUnwritable as error:
            log.info("An entry of a log can't be changed any more (%s)", error)
            await self._store.remove_message(message_id)
            return
        await self._store.save_entries([_entry(job, channel_id, message_id) for job in found])

    async def report(self, guild_id: int, text: str, job_id: int) -> bool:
        """Write at once that somebody reported a video; return False where there is no log.

        Raises LogUnwritable, LogUnavailable.
        """
        channel_id = self._moderation.settings(guild_id).log_channel_id
        if channel_id is None:
            return False
        try:
            await self._poster.post(channel_id, text, reported=job_id)
        except LogUnwritable:
            await self.set_broken(guild_id, True)
            raise
        return True

    async def try_out(self, channel_id: int, text: str) -> None:
        """Write into a channel that is to become a log. Raises LogUnwritable, LogUnavailable."""
        await self._poster.post(channel_id, text)

    async def set_broken(self, guild_id: int, broken: bool) -> None:
        """Remember whether a log could be written, for the moderator who runs the next command."""
        try:
            await self._moderation.set_log_broken(guild_id, broken)
        except (StorageUnavailable, StorageFault) as error:
            log.warning("Server %s: the state of its log isn't saved (%s)", guild_id, error)

    async def read(self, job_ids: Sequence[int]) -> list[Job]:
        """Return these jobs as they are stored now."""
        found = [await self._jobs.get(job_id) for job_id in job_ids]
        return [job for job in found if job is not None]

    async def _post(self, guild_id: int, channel_id: int, lines: Sequence[str]) -> int:
        message_id = await self._poster.post(channel_id, texts.joined(lines))
        await self.set_broken(guild_id, False)
        return message_id

    def _lines(self, jobs: Sequence[Job]) -> list[str]:
        return [texts.job_entry(job, self._price) for job in jobs]


def _entry(job: Job, channel_id: int, message_id: int) -> LogEntry:
    """Return the entry of a job as it was just written."""
    shows = Shown.OPEN if job.is_open else Shown.ENDED
    return LogEntry(job.id, channel_id, message_id, Shown.DELETED if job.deleted_at is not None else shows)

"""The log channel of a server: what happens is written there in batches, and kept up to date."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from bot.clock import Clock, sleep
from bot.models.budgets import BudgetScope, BudgetStatus, Price, WarningLevel
from bot.models.jobs import Job
from bot.models.moderation import ChangeKind, RuleChange
from bot.moderation.service import ModerationService
from bot.storage.jobs import JobStore
from bot.storage.moderation_log import LogEntry, ModerationLogStore, Shown
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui.texts import moderation_log as texts
from bot.ui.texts.budgets import warning_line

log = logging.getLogger(__name__)

BATCH = 3.0  # seconds in which entries are collected: a burst becomes a message each time
RETRY = 60.0  # seconds after trouble that is likely to pass
ENTRIES_MAX = 5  # of a message, which has 4,000 characters in all [Discord]; an entry takes up to 700
CHANGES_MAX = 200  # that a list shows; older ones stay in storage
CLOSE = 2.0  # seconds that a stop leaves to what is still to be written


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


class AuditLog:
    """Collects what moderators want to hear of, and writes it where they chose."""

    def __init__(
        self,
        *,
        moderation: ModerationService,
        store: ModerationLogStore,
        jobs: JobStore,
        poster: LogPoster,
        clock: Clock,
        price: Price | None,
    ) -> None:
        self._moderation = moderation
        self._store = store
        self._jobs = jobs
        self._poster = poster
        self._clock = clock
        self._price = price
        self._notes: defaultdict[int, list[str]] = defaultdict(list)  # to be written, by server
        self._changed: defaultdict[int, set[int]] = defaultdict(set)  # jobs whose entries are, by server
        self._wake = asyncio.Event()

    async def load(self) -> None:
        """Look again at the entries whose jobs may have ended meanwhile. Raises StorageUnavailable."""
        for job in await self._read([entry.job_id for entry in await self._store.outdated()]):
            self.job_changed(job)

    def note(self, guild_id: int, text: str) -> None:
        """Write this into a server's log, if it has one."""
        if self._moderation.settings(guild_id).log_channel_id is not None:
            self._notes[guild_id].append(text)
            self._wake.set()

    def job_changed(self, job: Job) -> None:
        """Write a job into the log, or how it ended; of a deleted one clear what the log says."""
        # Also where the log was turned off: what was written stays right.
        if job.quota_guild_id is not None and self._moderation.has_settings(job.quota_guild_id):
            self._changed[job.quota_guild_id].add(job.id)
            self._wake.set()

    def budget_warning(self, level: WarningLevel, status: BudgetStatus) -> None:
        """Write that a server has used so much of a budget; what others use is not its business."""
        budget = status.budget
        if budget.guild_id is not None and budget.scope is not BudgetScope.BOT:
            self.note(budget.guild_id, warning_line(level, status, self._price))

    async def record(
        self,
        guild_id: int,
        by_id: int,
        kind: ChangeKind,
        *,
        target: str = "",
        before: str = "",
        after: str = "",
    ) -> None:
        """Keep a change of a rule, and write it into the log. The change itself is made already."""
        change = RuleChange(guild_id, by_id, self._clock.now(), kind, target, before, after)
        try:
            await self._store.save_change(change)
        except (StorageUnavailable, StorageFault) as error:
            log.error("Server %s: a change of its rules is not in its list (%s)", guild_id, error)
        self.note(guild_id, texts.change_line(change))

    async def changes(self, guild_id: int) -> list[RuleChange]:
        """Return the latest changes of a server's rules, the latest first. Raises StorageUnavailable."""
        return await self._store.changes(guild_id, CHANGES_MAX)

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
            await self._set_broken(guild_id, True)
            raise
        return True

    async def try_out(self, channel_id: int, text: str) -> None:
        """Write into a channel that is to become a log. Raises LogUnwritable, LogUnavailable."""
        await self._poster.post(channel_id, text)

    def trouble(self, guild_id: int) -> list[str]:
        """Return what moderators have to know about their log: nothing, as long as it can be written."""
        settings = self._moderation.settings(guild_id)
        if settings.log_channel_id is None or not settings.log_broken:
            return []
        return [texts.log_broken(settings.log_channel_id)]

    async def run(self) -> None:
        """Write batch after batch, for ever."""
        while True:
            await self._clock.wait(self._wake, None)
            await sleep(self._clock, BATCH)
            if not await self.write():
                await sleep(self._clock, RETRY)

    async def close(self) -> None:
        """Write what is left, as far as there is time."""
        try:
            async with asyncio.timeout(CLOSE):
                await self.write()
        except TimeoutError:
            log.warning("Not everything was written into the logs of servers")

    async def write(self) -> bool:
        """Write a batch for each server; return False where something has to be tried again later."""
        self._wake.clear()
        well = True
        for guild_id in [*self._notes, *(set(self._changed) - set(self._notes))]:
            try:
                await self._write_notes(guild_id)
                await self._write_jobs(guild_id)
            except LogUnwritable as error:
                log.warning("Server %s: its log can't be written (%s)", guild_id, error)
                await self._set_broken(guild_id, True)
            except (LogUnavailable, StorageUnavailable) as error:
                log.warning("Server %s: its log isn't written yet (%s)", guild_id, error)
                well = False
            except Exception:
                # One server's trouble must not stop the logs of others, and trying again would meet it again.
                log.exception("Server %s: a part of its log is lost", guild_id)
                self._notes.pop(guild_id, None)
                self._changed.pop(guild_id, None)
        self._notes = defaultdict(list, {guild_id: notes for guild_id, notes in self._notes.items() if notes})
        self._changed = defaultdict(set, {guild_id: ids for guild_id, ids in self._changed.items() if ids})
        if self._notes or self._changed:
            self._wake.set()
        return well

    async def _write_notes(self, guild_id: int) -> None:
        batch = self._notes[guild_id][:ENTRIES_MAX]
        channel_id = self._moderation.settings(guild_id).log_channel_id
        if channel_id is not None and batch:
            await self._post(guild_id, channel_id, batch, drop=self._notes[guild_id])
        del self._notes[guild_id][: len(batch)]

    async def _write_jobs(self, guild_id: int) -> None:
        """Post the entries of new jobs in one message, and bring those of others up to date."""
        changed = sorted(self._changed[guild_id])
        known = {entry.job_id: entry for entry in await self._store.entries(changed)}
        for message_id in {entry.message_id for entry in known.values()}:
            await self._update(message_id)
        self._changed[guild_id] -= set(known)
        batch = [job_id for job_id in changed if job_id not in known][:ENTRIES_MAX]
        found = [job for job in await self._read(batch) if job.deleted_at is None]
        channel_id = self._moderation.settings(guild_id).log_channel_id
        self._changed[guild_id] -= set(batch)
        if channel_id is None or not found:
            return
        try:
            message_id = await self._post(guild_id, channel_id, self._lines(found))
        except LogUnavailable:
            self._changed[guild_id] |= set(batch)
            raise
        await self._store.save_entries([_entry(job, channel_id, message_id) for job in found])

    async def _update(self, message_id: int) -> None:
        entries = await self._store.entries_of_message(message_id)
        found = await self._read([entry.job_id for entry in entries])
        try:
            await self._poster.edit(entries[0].channel_id, message_id, texts.joined(self._lines(found)))
        except LogUnwritable as error:
            log.info("An entry of a log can't be changed any more (%s)", error)
            await self._store.remove_message(message_id)
            return
        channel_id = entries[0].channel_id
        await self._store.save_entries([_entry(job, channel_id, message_id) for job in found])

    async def _post(
        self, guild_id: int, channel_id: int, lines: Sequence[str], drop: list[str] | None = None
    ) -> int:
        try:
            message_id = await self._poster.post(channel_id, texts.joined(lines))
        except LogUnwritable:
            if drop is not None:
                drop.clear()  # what could not be written is not kept: it holds what members typed
            raise
        await self._set_broken(guild_id, False)
        return message_id

    async def _set_broken(self, guild_id: int, broken: bool) -> None:
        try:
            await self._moderation.set_log_broken(guild_id, broken)
        except (StorageUnavailable, StorageFault) as error:
            log.warning("Server %s: the state of its log isn't saved (%s)", guild_id, error)

    async def _read(self, job_ids: Sequence[int]) -> list[Job]:
        found = [await self._jobs.get(job_id) for job_id in job_ids]
        return [job for job in found if job is not None]

    def _lines(self, jobs: Sequence[Job]) -> list[str]:
        return [texts.job_entry(job, self._price) for job in jobs]


def _entry(job: Job, channel_id: int, message_id: int) -> LogEntry:
    """Return the entry of a job as it was just written."""
    shows = Shown.OPEN if job.is_open else Shown.ENDED
    return LogEntry(job.id, channel_id, message_id, Shown.DELETED if job.deleted_at is not None else shows)

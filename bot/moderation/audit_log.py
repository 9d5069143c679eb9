"""The log channel of a server: what happens is written there in batches, and kept up to date."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from contextlib import AbstractContextManager

from bot.clock import Clock, sleep
from bot.models.budgets import BudgetScope, BudgetStatus, Price, WarningLevel
from bot.models.jobs import Job
from bot.models.moderation import ChangeKind, RuleChange
from bot.models.shards import ALL, Share
from bot.moderation.languages import ServerLanguages
from bot.moderation.log_writer import LogPoster, LogUnavailable, LogUnwritable, LogWriter
from bot.moderation.service import ModerationService
from bot.storage.jobs import JobStore
from bot.storage.moderation_log import ModerationLogStore
from bot.storage.storage import StorageFault, StorageUnavailable
from bot.ui.texts import moderation_log as texts
from bot.ui.texts.budgets import warning_line
from bot.ui.translator import speaking

log = logging.getLogger(__name__)

BATCH = 3.0  # seconds in which entries are collected: a burst becomes a message each time
RETRY = 60.0  # seconds after trouble that is likely to pass
CHANGES_MAX = 200  # that a list shows; older ones stay in storage
CLOSE = 2.0  # seconds that a stop leaves to what is still to be written


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
        languages: ServerLanguages,
        share: Share = ALL,
    ) -> None:
        self._moderation = moderation
        self._store = store
        self._writer = LogWriter(moderation, store, jobs, poster, price)
        self._clock = clock
        self._price = price
        self._share = share
        self._notes: defaultdict[int, list[str]] = defaultdict(list)  # to be written, by server
        self._changed: defaultdict[int, set[int]] = defaultdict(set)  # jobs whose entries are, by server
        self._languages = languages
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()  # one batch at a time, also while the bot stops

    async def load(self) -> None:
        """Look again at the entries whose jobs may have ended meanwhile. Raises StorageUnavailable."""
        for job in await self._writer.read([entry.job_id for entry in await self._store.outdated()]):
            if self._share.is_home_of(job.quota_guild_id):  # else another process writes the log
                self.job_changed(job)

    def speaking(self, guild_id: int) -> AbstractContextManager[None]:
        """Let every sentence in this block be in the language of a server's log."""
        return speaking(self._languages.of(guild_id))

    def note(self, guild_id: int, text: str) -> None:
        """Write this into a server's log, if it has one; the text is made while `speaking` to it."""
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
            with self.speaking(budget.guild_id):
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
        """Keep a change of a rule, and write it into the log. The change itself is made already.

        Its words are made while `speaking` to the log.
        """
        change = RuleChange(guild_id, by_id, self._clock.now(), kind, target, before, after)
        try:
            await self._store.save_change(change)
        except (StorageUnavailable, StorageFault) as error:
            log.error("Server %s: a change of its rules is not in its list (%s)", guild_id, error)
        with self.speaking(guild_id):
            self.note(guild_id, texts.change_line(change))

    async def changes(self, guild_id: int) -> list[RuleChange]:
        """Return the latest changes of a server's rules, the latest first. Raises StorageUnavailable."""
        return await self._store.changes(guild_id, CHANGES_MAX)

    async def report(self, guild_id: int, text: str, job_id: int) -> bool:
        """Write at once that somebody reported a video; return False where there is no log.

        Raises LogUnwritable, LogUnavailable.
        """
        with self.speaking(guild_id):
            return await self._writer.report(guild_id, text, job_id)

    async def try_out(self, channel_id: int, text: str) -> None:
        """Write into a channel that is to become a log. Raises LogUnwritable, LogUnavailable."""
        await self._writer.try_out(channel_id, text)

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
        async with self._writing:
            self._wake.clear()
            well = True
            for guild_id in set(self._notes) | set(self._changed):
                with self.speaking(guild_id):
                    well = await self._write_server(guild_id) and well
            if self._notes or self._changed:
                self._wake.set()
            return well

    async def _write_server(self, guild_id: int) -> bool:
        """Write a batch for one server; what is left stays for the next one."""
        notes, changed = self._notes[guild_id], self._changed[guild_id]
        well = True
        try:
            await self._writer.write_notes(guild_id, notes)
            await self._writer.write_jobs(guild_id, changed)
        except LogUnwritable as error:
            log.warning("Server %s: its log can't be written (%s)", guild_id, error)
            await self._writer.set_broken(guild_id, True)
        except (LogUnavailable, StorageUnavailable) as error:
            log.warning("Server %s: its log isn't written yet (%s)", guild_id, error)
            well = False
        except Exception:
            # One server's trouble must not stop the logs of others, and trying again would meet it again.
            log.exception("Server %s: a part of its log is lost", guild_id)
            notes.clear()
            changed.clear()
        if not notes:
            self._notes.pop(guild_id, None)
        if not changed:
            self._changed.pop(guild_id, None)
        return well

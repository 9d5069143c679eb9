"""What is still to be written into the logs of servers: batch after batch, and again where that failed."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager

from bot.clock import Clock, sleep
from bot.moderation.log_writer import LogUnavailable, LogUnwritable, LogWriter
from bot.storage.storage import StorageUnavailable

log = logging.getLogger(__name__)

BATCH = 3.0  # seconds in which entries are collected: a burst becomes a message each time
RETRY = 60.0  # seconds after trouble that is likely to pass
CLOSE = 2.0  # seconds that a stop leaves to what is still to be written


class LogBatches:
    """Collects entries, and has them written in the language of each server."""

    def __init__(
        self, writer: LogWriter, clock: Clock, speaking: Callable[[int], AbstractContextManager[None]]
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._speaking = speaking
        self._notes: defaultdict[int, list[str]] = defaultdict(list)  # to be written, by server
        self._changed: defaultdict[int, set[int]] = defaultdict(set)  # jobs whose entries are, by server
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()  # one batch at a time, also while the bot stops

    def add_note(self, guild_id: int, text: str) -> None:
        """Have a text written."""
        self._notes[guild_id].append(text)
        self._wake.set()

    def add_job(self, guild_id: int, job_id: int) -> None:
        """Have the entry of a job written, or brought up to date."""
        self._changed[guild_id].add(job_id)
        self._wake.set()

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
                with self._speaking(guild_id):
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

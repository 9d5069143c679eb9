"""What was learned about durations, kept in the database over restarts."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Protocol

from bot.clock import Clock
from bot.polling.schedule.estimator import DurationEstimator
from bot.storage.storage import StorageUnavailable

log = logging.getLogger(__name__)

NOTE = "durations learned"
EVERY = timedelta(minutes=1)  # at most so often; a crash loses what a minute has taught


class Notes(Protocol):
    """Short texts that outlive the process; the store of notes is one."""

    async def get(self, name: str, /) -> str | None:
        """Return the note of this name."""
        ...

    async def save(self, name: str, value: str, /) -> None:
        """Save a note in place of an earlier one. Raises StorageUnavailable."""
        ...


class EstimatorHistory:
    """Reads and writes the one note that holds it."""

    def __init__(
        self, notes: Notes, estimator: DurationEstimator, clock: Clock, *, keeps: bool = True
    ) -> None:
        self._notes = notes
        self._estimator = estimator
        self._clock = clock
        self._keeps = keeps  # of several processes one; the others learn for themselves
        self._saved = estimator.dump()
        self._saved_at = clock.now() - EVERY

    async def restore(self) -> None:
        """Take over what earlier processes learned; nothing, where the note makes no sense."""
        note = await self._notes.get(NOTE)
        if note is None:
            return
        try:
            self._estimator.load(note)
        except (ValueError, RecursionError) as error:
            log.warning("What was learned about durations is lost (%s); it is learned again", error)
        self._saved = self._estimator.dump()

    async def save(self, *, at_once: bool = False) -> None:
        """Save what is new, unless that was done a moment ago."""
        now = self._clock.now()
        if not self._keeps or (not at_once and now - self._saved_at < EVERY):
            return
        self._saved_at = now
        learned = self._estimator.dump()
        if learned == self._saved:
            return
        try:
            await self._notes.save(NOTE, learned)
        except StorageUnavailable as trouble:
            log.warning("What was learned about durations is not saved yet (%s)", trouble)
        else:
            self._saved = learned

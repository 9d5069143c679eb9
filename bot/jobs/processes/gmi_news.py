"""What GMI Cloud said to one process and means for all: pauses, and that it takes no requests at all."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from bot.clock import Clock
from bot.gmi.rate import RequestRate, Traffic
from bot.jobs.submission.key_check import CHECK_EVERY
from bot.jobs.submission.submit_gate import TRIAL_EVERY, SubmitGate
from bot.models.states import Reason
from bot.storage.processes.announcements import AnnouncementStore
from bot.storage.storage import StorageFault, StorageUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY = 2.0  # seconds; a hint comes sooner, where none is lost
GATE = "submit gate"  # the subject of an announcement, as each kind of traffic is; stored
OPEN = "open"  # what is announced of a gate that isn't closed for some reason; stored
# Each trial, or check of the key, that fails announces it anew.
CLOSED_FOR = {Reason.CREDIT: TRIAL_EVERY.total_seconds() * 1.5, Reason.KEY: CHECK_EVERY * 3}  # seconds
OPEN_FOR = 60.0  # seconds in which every process hears of it


@dataclass(frozen=True, slots=True)
class _News:
    value: str
    seconds: float


class GmiNews:
    """Announces what was heard here, and follows what was heard elsewhere; the latest word holds."""

    def __init__(self, store: AnnouncementStore, rate: RequestRate, gate: SubmitGate, clock: Clock) -> None:
        self._store = store
        self._rate = rate
        self._gate = gate
        self._clock = clock
        self._wake = asyncio.Event()
        self._unannounced: dict[str, _News] = {}
        self._known: set[str] = set()  # the serials of what holds and was followed, or comes from here
        rate.share_pauses(self._paused)
        gate.on_change = self._gate_changed

    def heard(self) -> None:
        """Take a hint that somebody announced something."""
        self._wake.set()

    async def run(self) -> None:
        """Announce and follow, for ever."""
        while True:
            self._wake.clear()
            try:
                await self._announce_all()
                await self._follow_all()
            except (StorageUnavailable, StorageFault) as trouble:
                log.warning("Processes don't hear now what GMI Cloud says to one of them (%s)", trouble)
            await self._clock.wait(self._wake, LOOK_EVERY)

    def _paused(self, traffic: Traffic, seconds: float) -> None:
        self._unannounced[traffic] = _News("pause", seconds)
        self._wake.set()

    def _gate_changed(self, reason: Reason | None) -> None:
        news = _News(OPEN, OPEN_FOR) if reason is None else _News(reason, CLOSED_FOR[reason])
        self._unannounced[GATE] = news
        self._wake.set()

    async def _announce_all(self) -> None:
        for subject, news in list(self._unannounced.items()):
            serial = await self._store.announce(
                subject, news.value, news.seconds, keep_longer=subject != GATE
            )
            self._known.add(serial)
            if self._unannounced.get(subject) is news:
                del self._unannounced[subject]

    async def _follow_all(self) -> None:
        current = await self._store.current()
        for announcement in current:
            if announcement.serial not in self._known and announcement.subject not in self._unannounced:
                self._follow(announcement.subject, announcement.value, announcement.seconds)
        self._known = {announcement.serial for announcement in current}

    def _follow(self, subject: str, value: str, seconds: float) -> None:
        with contextlib.suppress(ValueError):  # a later version of the bot has news of another kind
            if subject == GATE:
                self._gate.follow(None if value == OPEN else Reason(value))
            else:
                self._rate.pause(Traffic(subject), seconds)

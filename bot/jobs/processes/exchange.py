"""What processes that share the work tell each other, opened as one."""

from __future__ import annotations

from bot.clock import Clock
from bot.gmi.rate import RequestRate
from bot.jobs.processes.actions import JobActions
from bot.jobs.processes.gmi_news import GmiNews
from bot.jobs.processes.inbox import ActionInbox
from bot.jobs.processes.relay import JobRelay
from bot.jobs.service import JobService
from bot.slots.slot import Slot
from bot.storage.processes.hints import ANNOUNCED, ANYTHING, ASKED, HintListener
from bot.storage.storage import Storage
from bot.tasks import Tasks


class Exchange:
    """Hears every hint, and wakes up whoever it is for."""

    def __init__(
        self,
        *,
        storage: Storage,
        jobs: JobService,
        rate: RequestRate,
        slot: Slot,
        clock: Clock,
        tasks: Tasks,
    ) -> None:
        self._tasks = tasks
        self._relay = JobRelay(storage.relay, clock)
        self._inbox = ActionInbox(storage, jobs, slot.serves, clock, tasks)
        self._news = GmiNews(storage.announcements, rate, jobs.gate, clock)
        self._listener = HintListener(storage.database, clock, self._heard)
        self.actions = JobActions(jobs, slot.serves, self._relay)

    def open(self) -> None:
        """Begin to listen; the jobs of this process are loaded by now."""
        self._tasks.supervise(self._listener.run, "hear hints of other processes")
        self._tasks.supervise(self._inbox.run, "do what other processes ask for")
        self._tasks.supervise(self._news.run, "share what GMI Cloud says")

    def _heard(self, hint: str) -> None:
        if hint in {ASKED, ANYTHING}:
            self._inbox.heard()
        if hint in {ANNOUNCED, ANYTHING}:
            self._news.heard()
        if hint not in {ASKED, ANNOUNCED}:
            self._relay.heard(hint or None)


def open_job_actions(
    *, storage: Storage, jobs: JobService, rate: RequestRate, slot: Slot, clock: Clock, tasks: Tasks
) -> JobActions:
    """Return what clicks do to jobs; where the work is shared, with all that processes tell each other."""
    if slot.share.is_all:
        return JobActions(jobs, slot.serves)
    exchange = Exchange(storage=storage, jobs=jobs, rate=rate, slot=slot, clock=clock, tasks=tasks)
    exchange.open()
    return exchange.actions

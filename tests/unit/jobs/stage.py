"""A stage for the parts of a job's life: real storage, the stand-in GMI Cloud over HTTP, and no Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import aiohttp

from bot.delivery.fetcher import Result
from bot.delivery.routes import Undeliverable
from bot.delivery.sender import Delivery, Posted, Refetched, Upload
from bot.gmi.client import GmiCloud as Client
from bot.gmi.client import RequestStatus
from bot.gmi.rate import RequestRate
from bot.jobs.active import ActiveJobs
from bot.jobs.cancellation import Cancellation
from bot.jobs.cards.card_extras import CardExtras
from bot.jobs.cards.notifier import CardNotifier
from bot.jobs.cards.poster import VideoPoster
from bot.jobs.context import JobContext
from bot.jobs.deletion import Deletion
from bot.jobs.lifecycle import Lifecycle
from bot.jobs.recovery import Recovery
from bot.jobs.submission.link_policy import LinkPolicy
from bot.jobs.submission.reference_files import ReferenceFiles
from bot.jobs.submission.submit_gate import SubmitGate
from bot.jobs.submission.submitter import Submitter
from bot.jobs.updates import UpdateReceiver
from bot.media.cdn import CdnError
from bot.media.download import open_session
from bot.media.inspection.reencoding import reencode
from bot.media.uploads import ReferenceUploads
from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Job, PendingReply
from bot.models.quotas import Rule
from bot.models.reference_links import ReferencesVia
from bot.models.requests import Reference, VideoRequest
from bot.models.states import State
from bot.polling.poller import StatusPoller
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.history import EstimatorHistory
from bot.quotas.limiter import QuotaLimiter
from bot.slots.locked import LockedSlot
from bot.slots.wanted import WantedTopology
from bot.storage.storage import Storage, TimeLimits
from bot.tasks import InFlight, Tasks
from bot.ui.texts.jobs import NO_EXTRAS, Extras
from fakes import media
from fakes.gmi.cloud import GmiCloud
from fakes.world import FAKE_KEY

START = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE = timedelta(minutes=60)
MODEL = "vidu-q2-pro-r2v"
GUILD, MEMBER, JOB = 10, 7, 123456789
PATIENT = TimeLimits(interactive=20)  # seconds: a test asks often, and a busy machine is slow
LOOKS_MAX = 5000  # at a job, while a test waits for what happens to it
SETTLES_WITHIN = 20.0  # seconds, even on a busy machine
VIDEO = ("https://cdn.example.invalid/a.mp4",)


class QuickClock:
    """Time that passes only where somebody waits for it, and at once."""

    def __init__(self) -> None:
        self.moment = START
        self.waits: list[float] = []  # seconds

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        if seconds is None:
            await event.wait()
            return
        await asyncio.sleep(0)
        if not event.is_set():
            self.waits.append(seconds)
            self.moment += timedelta(seconds=seconds)


class StillClock(QuickClock):
    """Time that passes only when a test advances it."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: set[tuple[datetime, asyncio.Event]] = set()

    def advance(self, by: timedelta) -> None:
        self.moment += by
        for until, over in self._sleepers:
            if until <= self.moment:
                over.set()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        over = asyncio.Event()
        sleeper = (datetime.max.replace(tzinfo=UTC), over)
        if seconds is not None:
            self.waits.append(seconds)
            sleeper = (self.moment + timedelta(seconds=seconds), over)
        self._sleepers.add(sleeper)
        either = [asyncio.ensure_future(waited.wait()) for waited in (event, over)]
        try:
            if seconds != 0:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._sleepers.discard(sleeper)
            for waiting in either:
                waiting.cancel()


@dataclass
class StageCdn:
    """Gives what a test put there, and a picture for every other link."""

    files: dict[str, bytes | Exception] = field(default_factory=dict)

    async def read(self, url: str, limit: int) -> bytes:
        found = self.files.get(url, media.picture() if url else CdnError("no link"))
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class RecordingDelivery:
    """Remembers what would be shown, and fails as often as it is told to."""

    shown: list[Job] = field(default_factory=list)
    extras: list[Extras] = field(default_factory=list)  # of what was shown
    uploads: list[Upload] = field(default_factory=list)  # of all that was shown
    delivered: list[Job] = field(default_factory=list)
    copies: list[Job] = field(default_factory=list)
    notified: list[State] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    removed: list[Job] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    found: list[Sequence[Result]] = field(default_factory=list)  # what the next fetches find
    fetched: int = 0  # how often videos were fetched again
    replaced: list[Refetched] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)  # of the next calls
    kept: list[Any] = field(default_factory=list)  # attachments of the card
    link_only: bool = False
    out_of_reach: bool = False

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    async def show(
        self, job: Job, uploads: Sequence[Upload] = (), extras: Extras = NO_EXTRAS
    ) -> CardLocation:
        self._fail()
        self.shown.append(job)
        self.uploads += uploads
        self.extras.append(extras)
        return replace(job.location, message_id=4)

    async def deliver(
        self,
        job: Job,
        extras: Extras = NO_EXTRAS,
        *,
        final: bool = True,
        refetch_until: datetime | None = None,
    ) -> Posted:
        self._fail()
        self.delivered.append(job)
        return Posted(replace(job.location, message_id=4), refetch_until if self.link_only else None)

    @asynccontextmanager
    async def refetch(self, job: Job) -> AsyncIterator[Refetched]:
        self.fetched += 1
        self._fail()
        yield Refetched(job, self.found.pop(0), [])

    async def replace_links(self, found: Refetched, extras: Extras = NO_EXTRAS) -> CardLocation:
        self._fail()
        self.replaced.append(found)
        return replace(found.job.location, message_id=5)

    async def show_copy(self, job: Job) -> None:
        self._fail()
        self.copies.append(job)

    async def notify(self, job: Job) -> None:
        self._fail()
        self.notified.append(job.state)

    async def report_lost_request(self, pending: PendingReply) -> None:
        self._fail()
        self.lost.append(pending.id)

    async def remove(self, job: Job) -> bool:
        self._fail()
        self.removed.append(job)
        return not self.out_of_reach

    async def references(self, job: Job) -> list[Any]:
        return self.kept

    def forget(self, job_id: int) -> None:
        self.forgotten.append(job_id)


@dataclass
class RecordingPoller:
    """Remembers which jobs are asked about, by which ID, and until when."""

    followed: dict[int, tuple[str | None, datetime]] = field(default_factory=dict)
    unexplained: dict[int, RequestStatus] = field(default_factory=dict)

    def track(self, job: Job, deadline: datetime, *, unexplained: RequestStatus | None = None) -> None:
        self.followed[job.id] = (job.request_id, deadline)
        if unexplained is not None:
            self.unexplained[job.id] = unexplained

    def drop(self, job_id: int) -> None:
        self.followed.pop(job_id, None)


@dataclass
class Stage:
    """The parts, wired as the service wires them."""

    clock: QuickClock
    storage: Storage
    quotas: QuotaLimiter
    context: JobContext
    delivery: RecordingDelivery
    poller: RecordingPoller
    notifier: CardNotifier
    poster: VideoPoster
    lifecycle: Lifecycle
    updates: UpdateReceiver
    submitter: Submitter
    recovery: Recovery
    cancellation: Cancellation
    deletion: Deletion
    cdn: StageCdn
    looks: int = 0

    async def put(self, state: State = State.SUBMITTING, **fields: Any) -> Job:
        """Store a job in a state, hold its quota, and open it."""
        job = replace(new_job(self.clock.now()), state=state, **fields)
        assert await self.storage.jobs.add(job)
        self.quotas.replay(job.id, GUILD, MEMBER, job.request.duration, job.created_at, job.charge)
        self.context.jobs.add(job)
        return job

    async def stored(self, job_id: int = JOB) -> Job:
        """Return the job as storage has it."""
        self.looks += 1
        assert self.looks < LOOKS_MAX, "what the test waits for does not happen"
        job = await self.storage.jobs.get(job_id)
        assert job is not None
        return job

    async def settle(self) -> None:
        """Let everything end that was begun for jobs in the background."""
        while tasks := [task for task in asyncio.all_tasks() if str(JOB) in task.get_name()]:
            ended, _ = await asyncio.wait(tasks, timeout=SETTLES_WITHIN)
            assert ended, "what was begun does not end"

    def used(self) -> tuple[int, int]:
        """Return how many videos count, and how many of them are under way."""
        status = self.quotas.status(GUILD, MEMBER, [], self.clock.now())
        return status.used_videos, status.running


def new_job(now: datetime = START, job_id: int = JOB) -> Job:
    reference = Reference(Kind.IMAGE, "fox.png", "https://cdn.example.invalid/fox.png", 1000, 320, 240)
    request = VideoRequest("a fox in the snow", (reference,), 5, 7)
    location = CardLocation(3, GUILD, token="fake-token", token_expires=now + timedelta(minutes=15))
    return Job(job_id, MEMBER, location, request, MODEL, now, quota_guild_id=GUILD, state_since=now)


@asynccontextmanager
async def open_stage(
    url: str,
    cloud: GmiCloud,
    clock: QuickClock,
    *,
    notify_after: timedelta | None = None,
    via: ReferencesVia = ReferencesVia.AUTO,
) -> AsyncIterator[Stage]:
    """Open all parts on a database."""
    slot = LockedSlot(url, WantedTopology(), clock)
    async with slot.open_storage(PATIENT) as storage:
        quotas = QuotaLimiter(Rule(99, None), 99)
        tasks = Tasks(clock)
        jobs = ActiveJobs(storage, quotas, clock)
        gate = SubmitGate(clock)
        async with aiohttp.ClientSession() as session, open_session(loopback=True) as files:
            gmi = Client(session, cloud.base_url, FAKE_KEY, None)
            uploads = ReferenceUploads(files, gmi, clock)
            policy = LinkPolicy(via, uploads, storage.notes, clock, tasks)
            await policy.restore()
            context = JobContext(storage, jobs, clock, tasks, DEADLINE, InFlight(), gate, slot, policy)
            async with _parts_of(context, quotas, gmi, uploads, notify_after) as stage:
                yield stage


@asynccontextmanager
async def _parts_of(
    context: JobContext,
    quotas: QuotaLimiter,
    gmi: Client,
    uploads: ReferenceUploads,
    notify_after: timedelta | None,
) -> AsyncIterator[Stage]:
    storage, clock = context.storage, cast(QuickClock, context.clock)
    recorder, poller, estimator = RecordingDelivery(), RecordingPoller(), DurationEstimator()
    delivery = cast(Delivery, recorder)
    notifier = CardNotifier(context, delivery, CardExtras(estimator, quotas, clock), notify_after)
    poster = VideoPoster(context, delivery, notifier)
    history = EstimatorHistory(storage.notes, estimator, clock)
    lifecycle = Lifecycle(context, cast(StatusPoller, poller), notifier, poster, history)
    cdn = StageCdn()
    with ThreadPoolExecutor(1) as threads:
        files = ReferenceFiles(cdn, uploads, partial(reencode, threads=threads), delivery)
        submitter = Submitter(context, gmi, files, lifecycle, notifier, rate=RequestRate(clock, 60))
        deletion = Deletion(context, delivery, notifier)
        recovery = Recovery(context, submitter, lifecycle, notifier, deletion)
        cancellation = Cancellation(context, gmi, lifecycle, notifier)
        try:
            yield Stage(
                clock,
                storage,
                quotas,
                context,
                recorder,
                poller,
                notifier,
                poster,
                lifecycle,
                UpdateReceiver(context, cast(StatusPoller, poller), lifecycle, notifier),
                submitter,
                recovery,
                cancellation,
                deletion,
                cdn,
            )
        finally:
            await context.tasks.close()


def undeliverable() -> Undeliverable:
    return Undeliverable("no place took the card")

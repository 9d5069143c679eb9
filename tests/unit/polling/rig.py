"""The poller against the stand-in GMI Cloud over real HTTP, on a clock that only a test moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from bot.gmi.client import GmiCloud as Client
from bot.gmi.client import RequestStatus
from bot.gmi.rate import RequestRate
from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Job
from bot.models.requests import MODEL, Reference, VideoRequest
from bot.models.states import State
from bot.polling.matching import LostPosts
from bot.polling.poller import StatusPoller, StatusUpdate
from bot.polling.schedule.estimator import DurationEstimator
from bot.storage.storage import StorageUnavailable
from fakes.gmi.cloud import GmiCloud

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FOX = Reference(Kind.IMAGE, "fox.png", "https://cdn.example.invalid/fox.png", 1, 512, 512)
KEY = "demo-key-not-secret"
DAY = 24 * 3600.0  # seconds
SPINS_MAX = 200  # turns without a pause; a poller that asks for ever is a fault, not a reason to wait


def job_of(
    number: int = 1,
    state: State = State.QUEUED,
    *,
    request_id: str | None = "r",
    created_at: datetime = EPOCH,
    seed: int | None = None,
) -> Job:
    """Return a job that was made at the beginning of time unless the test says otherwise."""
    request = VideoRequest("a fox in the snow", (FOX,), 5, seed if seed is not None else number)
    location = CardLocation(1, 1)
    return Job(number, 1, location, request, MODEL, created_at, state, created_at, request_id)


class VirtualClock:
    """Time for one sleeper: it passes when a test advances it, and stops at each wish to be woken."""

    def __init__(self) -> None:
        self._now = EPOCH
        self._event: asyncio.Event | None = None
        self._until: datetime | None = None
        self._asleep, self._resume = asyncio.Event(), asyncio.Event()
        self.failed: BaseException | None = None

    def now(self) -> datetime:
        return self._now

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        self._event = event
        self._until = None if seconds is None else self._now + timedelta(seconds=seconds)
        self._resume.clear()
        self._asleep.set()
        await self._resume.wait()

    def pass_time(self, seconds: float) -> None:
        """Let time pass in which the sleeper is not woken."""
        self._now += timedelta(seconds=seconds)

    def fail(self, error: BaseException) -> None:
        """Let the next wish to advance raise this."""
        self.failed = error
        self._asleep.set()

    @property
    def wakes_in(self) -> float | None:
        """Return in how many seconds the sleeper wants to be woken, None if never."""
        return None if self._until is None else (self._until - self._now).total_seconds()

    async def advance(self, seconds: float) -> None:
        target, spins = self._now + timedelta(seconds=seconds), 0
        while True:
            await self._asleep.wait()
            if self.failed is not None:
                raise self.failed
            assert self._event is not None
            if not self._event.is_set() and (self._until is None or self._until > target):
                break
            if not self._event.is_set() and self._until is not None and self._until > self._now:
                self._now, spins = self._until, 0
            spins += 1
            assert spins < SPINS_MAX, "it asks again and again without a pause"
            self._asleep.clear()
            self._resume.set()
        self._now = target


class MemoryJobs(list[Job]):
    """Every job that we ever had, in memory; answers as the store of jobs does."""

    broken = False

    async def known_requests(self, request_ids: Collection[str]) -> set[str]:
        if self.broken:
            raise StorageUnavailable("for this test")
        return {job.request_id for job in self if job.request_id is not None} & set(request_ids)

    async def with_seeds(self, seeds: Collection[int]) -> list[Job]:
        if any(abs(seed) >= 2**63 for seed in seeds):
            raise OverflowError("no column of a database holds it")
        return [job for job in self if job.request.seed in seeds]

    async def without_request(self, earliest: datetime, latest: datetime) -> list[Job]:
        def may_be(job: Job) -> bool:
            ended = None if job.state is State.SUBMITTING else job.state_since
            return job.created_at <= latest and (ended is None or ended >= earliest)

        unsent = (job for job in self if job.request_id is None and job.state is not State.CANCELLED)
        return [job for job in unsent if may_be(job)]


class MemoryNotes:
    """Notes in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self.values.get(name)

    async def save(self, name: str, value: str) -> None:
        self.values[name] = value


class OwnJobs:
    """What is known of our own requests, in memory."""

    def __init__(self) -> None:
        self.jobs = MemoryJobs()
        self.notes = MemoryNotes()


class Rig:
    """A poller, and who takes what it finds: jobs that ended are dropped."""

    def __init__(self, cloud: GmiCloud, client: Client, clock: VirtualClock, per_minute: int) -> None:
        self.cloud, self.client, self.clock = cloud, client, clock
        self.processes = 1
        self.estimator = DurationEstimator()
        self.own = OwnJobs()
        lost_posts = LostPosts(client, self.own, clock)
        self.rate = RequestRate(clock, per_minute, lambda: self.processes)
        self.poller = StatusPoller(client, clock, MODEL, self.estimator, self.rate, lost_posts=lost_posts)
        self.updates: list[StatusUpdate] = []
        self.drops_ended = True
        self._numbers = count(1)
        self._taking: asyncio.Task[None] | None = None

    async def submit(self, deadline: float = DAY, *, track: bool = True) -> Job:
        """Send a request, and let it be polled until its deadline, so many seconds from now."""
        number = next(self._numbers)
        job = job_of(number, request_id=None, created_at=self.clock.now())
        status = await self.client.submit(MODEL, job.request.payload())
        rendering = self.cloud.requests[status.request_id].rendering
        assert rendering is not None
        await rendering
        job = replace(job, request_id=status.request_id)
        self.own.jobs.append(job)
        if track:
            self.track(job, deadline)
        return job

    async def lose(self, deadline: float = 60.0) -> Job:
        """Send a request whose answer never comes, and let it be searched for."""
        sent = await self.submit(track=False)
        self.own.jobs.remove(sent)
        job = replace(sent, request_id=None, state=State.SUBMITTING)
        self.own.jobs.append(job)
        self.track(job, deadline)
        return job

    def track(self, job: Job, deadline: float = DAY, *, unexplained: RequestStatus | None = None) -> None:
        until = self.clock.now() + timedelta(seconds=deadline)
        self.poller.track(job, until, unexplained=unexplained)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)

    def states(self, job: Job) -> list[State | None]:
        """Return the states that were found of a job, None for its deadline."""
        mine = [update for update in self.updates if update.job_id == job.id]
        return [None if update.status is None else update.status.state for update in mine]

    def asked(self, since: int = 0) -> Counter[str]:
        """Count the questions: "requests" is the list, all else the id of one request."""
        seen = (seen for seen in self.cloud.requests_seen[since:] if seen.method == "GET")
        return Counter(seen.path.rsplit("/", 1)[1] for seen in seen if "/media/" not in seen.path)

    @property
    def seen(self) -> int:
        return len(self.cloud.requests_seen)

    async def begin(self) -> None:
        """Begin to poll, or begin anew."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.gather(self._taking, return_exceptions=True)
        self.clock.failed = None
        self._taking = asyncio.create_task(self._take())
        self._taking.add_done_callback(self._ended)

    async def close(self) -> None:
        assert self._taking is not None
        self._taking.cancel()
        await asyncio.gather(self._taking, return_exceptions=True)

    async def _take(self) -> None:
        async with contextlib.aclosing(self.poller.updates()) as updates:  # type: ignore[type-var]
            async for update in updates:
                self.updates.append(update)
                status = update.status
                ended = status is not None and (status.results or status.state in {State.FAILED})
                if ended and self.drops_ended:
                    self.poller.drop(update.job_id)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.clock.fail(error)


def _render(_images: Sequence[bytes], _videos: Sequence[bytes], _seconds: int, _seed: int, at: Path) -> None:
    at.write_bytes(b"a video")


async def _fetch(_: str) -> bytes:
    return b"a picture"


@contextlib.asynccontextmanager
async def rigged(per_minute: int = 300) -> AsyncIterator[Rig]:
    """Run the poller against the stand-in."""
    clock = VirtualClock()
    async with (
        GmiCloud(now=clock.now, fetch=_fetch, render=_render) as cloud,
        aiohttp.ClientSession() as session,
    ):
        rig = Rig(cloud, Client(session, cloud.base_url, KEY, None), clock, per_minute)
        await rig.begin()
        try:
            yield rig
        finally:
            await rig.close()


def name(job: Job) -> str:
    assert job.request_id is not None
    return job.request_id


def unlist(monkeypatch: pytest.MonkeyPatch, rig: Rig, *hidden: Job) -> None:
    """Let the list show all requests of now but these."""
    shown = [post for post in rig.cloud.posts if post.request_id not in {job.request_id for job in hidden}]
    monkeypatch.setattr(GmiCloud, "posts", property(lambda _: shown))

"""The service of jobs: what a start takes, stores and gives back, and how everything stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import aiohttp
import pytest

from bot.delivery.sender import Delivery, Upload
from bot.gmi.client import GmiCloud as Client
from bot.jobs.cancellation import CancelResult
from bot.jobs.service import JobService, ShuttingDown
from bot.jobs.starter import DuplicateRequest, Submission
from bot.models.jobs import CardLocation, Charge, Job, PendingReply
from bot.models.quotas import QuotaExceeded, Rule, Scope
from bot.models.states import Reason, State
from bot.quotas.limiter import QuotaLimiter
from bot.quotas.warnings import BudgetWarnings
from bot.storage.jobs import JobStore
from bot.storage.storage import Storage, StorageFault, StorageUnavailable
from bot.tasks import Tasks
from fakes import media
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud, Timing
from fakes.gmi.script import Outcome
from fakes.world import FAKE_KEY
from tests.unit.jobs.stage import (
    DEADLINE,
    GUILD,
    JOB,
    MEMBER,
    MODEL,
    PATIENT,
    START,
    RecordingDelivery,
    StillClock,
    new_job,
)

VIDEOS_A_DAY = 10
LOOKS_MAX = 5000  # at a job, while a test waits for what happens to it
PLACES = 8  # POSTs on their way at once


@dataclass
class Service:
    """The service on real storage, with everything that it works with."""

    jobs: JobService
    storage: Storage
    quotas: QuotaLimiter
    delivery: RecordingDelivery
    clock: StillClock
    tasks: Tasks
    released: list[int] = field(default_factory=list)
    looks: int = 0

    def submission(self, job_id: int = JOB, *, seconds: int = 5, spoiler: bool = False) -> Submission:
        job = new_job(self.clock.now(), job_id)
        return Submission(
            job_id,
            MEMBER,
            (),
            GUILD,
            job.location,
            replace(job.request, duration=seconds),
            uploads=(Upload("fox.png", b"a picture"),),
            spoiler=spoiler,
            release=lambda: self.released.append(job_id),
        )

    async def stored(self, job_id: int = JOB) -> Job:
        self.looks += 1
        assert self.looks < LOOKS_MAX, "what the test waits for does not happen"
        job = await self.storage.jobs.get(job_id)
        assert job is not None
        return job

    async def reach(self, state: State, job_id: int = JOB) -> Job:
        """Wait until the job is stored in this state."""
        while (job := await self.stored(job_id)).state is not state:
            pass
        return job

    async def follow(self, job_id: int = JOB) -> Job:
        """Let time pass, from one question about the job to the next, until it is delivered."""
        await self.reach(State.QUEUED, job_id)
        asked = 0
        while (job := await self.stored(job_id)).state is not State.DELIVERED:
            if len(self.clock.waits) > asked:
                asked = len(self.clock.waits)
                self.clock.advance(timedelta(seconds=self.clock.waits[-1]))
        return job

    def used(self) -> tuple[int, int]:
        """Return how many videos count, and how many of them are under way."""
        status = self.quotas.status(GUILD, MEMBER, [], self.clock.now())
        return status.used_videos, status.running


@pytest.fixture
def still() -> StillClock:
    return StillClock()


@pytest.fixture
async def cloud(still: StillClock) -> AsyncIterator[GmiCloud]:
    async def fetch(_: str) -> bytes:
        return media.picture()

    async with GmiCloud(now=still.now, fetch=fetch, render=media.render_quickly) as running:
        running.timing = Timing(queued=10, processing=60)
        yield running


@asynccontextmanager
async def running(database_url: str, cloud: GmiCloud, clock: StillClock) -> AsyncIterator[Service]:
    """Run the service on a database, as a process of its own would."""
    storage, delivery, tasks = await Storage.open(database_url, PATIENT), RecordingDelivery(), Tasks(clock)
    quotas = QuotaLimiter(Rule(VIDEOS_A_DAY, None), VIDEOS_A_DAY)
    async with aiohttp.ClientSession() as session:
        jobs = JobService(
            storage=storage,
            quotas=quotas,
            budget_warnings=BudgetWarnings(quotas.budgets, storage.budgets, clock, tasks, None),
            gmi=Client(session, cloud.base_url, FAKE_KEY, None),
            delivery=cast(Delivery, delivery),
            clock=clock,
            tasks=tasks,
            model=MODEL,
            deadline=DEADLINE,
            requests_per_minute=60,
            notify_after=None,
        )
        await jobs.open()
        jobs.resume()
        try:
            yield Service(jobs, storage, quotas, delivery, clock, tasks)
        finally:
            await tasks.close()
            await storage.close()


@pytest.fixture
async def service(database_url: str, cloud: GmiCloud, still: StillClock) -> AsyncIterator[Service]:
    async with running(database_url, cloud, still) as opened:
        yield opened


async def test_a_start_stores_what_the_member_asked_for_and_sends_it(
    service: Service, cloud: GmiCloud
) -> None:
    job = await service.jobs.start(service.submission(seconds=4, spoiler=True))
    submission = service.submission(seconds=4)
    assert job == replace(
        new_job(START), location=submission.location, request=submission.request, spoiler=True
    )
    assert (job.state, job.charge, job.waiting_until) == (State.SUBMITTING, Charge.HELD, None)
    assert service.jobs.has(JOB)
    assert service.used() == (1, 1)
    accepted = await service.reach(State.QUEUED)
    assert accepted.request_id == cloud.posts[0].request_id
    assert (accepted.request, accepted.spoiler, cloud.paid) == (submission.request, True, 1)


async def test_a_job_that_was_started_is_polled_and_delivered(service: Service) -> None:
    await service.jobs.start(service.submission())
    job = await service.follow()
    assert [delivered.results for delivered in service.delivery.delivered] == [job.results]
    assert service.used() == (1, 0)


async def test_the_references_leave_memory_once_the_first_card_has_them(service: Service) -> None:
    await service.jobs.start(service.submission())
    assert service.released == []
    while not service.released:
        await service.stored()
    assert service.delivery.shown[0].id == JOB
    assert service.delivery.uploads == list(service.submission().uploads)
    assert service.released == [JOB]


async def test_the_references_leave_memory_although_the_first_card_fails(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    save = JobStore.save

    async def refuse(self: JobStore, job: Job, *, previous: int) -> None:
        if job.location.message_id is not None:
            raise StorageFault("DataError")
        await save(self, job, previous=previous)

    monkeypatch.setattr(JobStore, "save", refuse)
    with caplog.at_level(logging.ERROR):
        await service.jobs.start(service.submission())
        while not service.released:
            await service.stored()
    assert service.released == [JOB]
    assert f"Job {JOB}: the first card could not be shown" in caplog.text


async def test_a_job_that_finds_no_place_is_stored_as_certainly_not_sent(
    service: Service, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.SILENCE.repeated(None))
    jobs = [await service.jobs.start(service.submission(JOB + number)) for number in range(PLACES + 1)]
    assert [job.waiting_until for job in jobs] == [None] * PLACES + [START]
    assert (await service.stored(JOB + PLACES)).waiting_until == START


@pytest.mark.parametrize("open_still", [True, False])
async def test_the_same_interaction_starts_one_job(
    open_still: bool, service: Service, cloud: GmiCloud
) -> None:
    if not open_still:
        cloud.fault("POST", "/requests", script.POLICY)
    await service.jobs.start(service.submission())
    ended = await service.reach(State.QUEUED if open_still else State.REFUSED)
    while not open_still and service.jobs.has(JOB):
        await service.stored()
    used = service.used()
    with pytest.raises(DuplicateRequest, match=str(JOB)):
        await service.jobs.start(service.submission())
    assert (await service.stored()).state is ended.state
    assert (cloud.paid, service.used()) == (int(open_still), used)


async def test_two_starts_of_one_interaction_at_once_pay_once(service: Service, cloud: GmiCloud) -> None:
    starts = [service.jobs.start(service.submission()) for _ in range(2)]
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert len([result for result in results if isinstance(result, Job)]) == 1
    await service.reach(State.QUEUED)
    assert (cloud.paid, service.used()) == (1, (1, 1))


async def test_what_does_not_fit_the_quota_is_not_stored(service: Service, cloud: GmiCloud) -> None:
    service.quotas.rules.set(GUILD, Scope.SERVER, None, Rule(None, 9))
    service.quotas.check(GUILD, MEMBER, [], 9, service.clock.now())
    assert service.used() == (0, 0)  # a look takes nothing
    with pytest.raises(QuotaExceeded):
        service.quotas.check(GUILD, MEMBER, [], 10, service.clock.now())
    await service.jobs.start(service.submission(seconds=5))
    with pytest.raises(QuotaExceeded):
        service.quotas.check(GUILD, MEMBER, [], 5, service.clock.now())
    with pytest.raises(QuotaExceeded):
        await service.jobs.start(service.submission(JOB + 1, seconds=5))
    assert await service.storage.jobs.get(JOB + 1) is None
    assert not service.jobs.has(JOB + 1)
    service.clock.advance(timedelta(days=1, seconds=1))
    service.quotas.check(GUILD, MEMBER, [], 5, service.clock.now())


async def test_a_quota_counts_in_its_own_server_for_its_own_member(service: Service) -> None:
    service.quotas.rules.set(GUILD, Scope.SERVER, None, Rule(0, None))
    for guild_id in (GUILD + 1, None):
        service.quotas.check(guild_id, MEMBER, [], 5, service.clock.now())
    with pytest.raises(QuotaExceeded):
        service.quotas.check(GUILD, MEMBER, [], 5, service.clock.now())
    service.quotas.rules.set(GUILD, Scope.MEMBER, MEMBER, Rule(1, None))
    service.quotas.check(GUILD, MEMBER, [], 5, service.clock.now())
    with pytest.raises(QuotaExceeded):
        service.quotas.check(GUILD, MEMBER + 1, [], 5, service.clock.now())


async def test_a_role_counts_for_a_request(service: Service) -> None:
    service.quotas.rules.set(GUILD, Scope.SERVER, None, Rule(0, None))
    service.quotas.rules.set(GUILD, Scope.ROLE, 5, Rule(1, None))
    service.quotas.check(GUILD, MEMBER, [5], 5, service.clock.now())
    await service.jobs.start(replace(service.submission(), role_ids=(5,)))
    with pytest.raises(QuotaExceeded):
        await service.jobs.start(service.submission(JOB + 1))


async def test_a_start_that_cannot_be_stored_gives_back_what_it_took(
    service: Service, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, written = JobStore.add, []

    async def lose_the_answer(self: JobStore, job: Job, *budgets: Any) -> bool:
        written.append(await add(self, job, *budgets))
        raise StorageUnavailable("OSError")

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "add", lose_the_answer)
        for number in range(PLACES + 1):
            with pytest.raises(StorageUnavailable):
                await service.jobs.start(service.submission(JOB + number))
    assert written == [True] * (PLACES + 1)
    assert service.used() == (0, 0)
    for number in range(PLACES + 1):
        assert not service.jobs.has(JOB + number)
        while await service.storage.jobs.get(JOB + number) is not None:
            pass  # else it would be sent after a restart, although its member read a refusal
    assert cloud.paid == 0
    job = await service.jobs.start(service.submission())
    assert job.waiting_until is None  # no place was lost
    await service.reach(State.QUEUED)


async def test_a_pending_reply_is_kept_until_its_job_starts_or_it_is_removed(service: Service) -> None:
    first, second = (PendingReply(number, MEMBER, CardLocation(3, GUILD)) for number in (JOB, JOB + 1))
    await service.jobs.add_pending_reply(first)
    await service.jobs.add_pending_reply(second)
    assert await service.storage.replies.all() == [first, second]
    await service.jobs.start(service.submission())
    assert await service.storage.replies.all() == [second]
    await service.jobs.remove_pending_reply(second.id)
    assert await service.storage.replies.all() == []


async def test_a_stopping_bot_takes_no_new_work(service: Service, cloud: GmiCloud) -> None:
    await service.jobs.close()
    with pytest.raises(ShuttingDown):
        await service.jobs.start(service.submission())
    assert await service.storage.jobs.get(JOB) is None
    assert (cloud.paid, service.used()) == (0, (0, 0))


async def test_a_stop_while_a_start_is_looked_up_takes_no_new_work(
    service: Service, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = JobStore.get

    async def stops(self: JobStore, job_id: int) -> Job | None:
        await service.jobs.close()
        return await get(self, job_id)

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "get", stops)
        with pytest.raises(ShuttingDown):
            await service.jobs.start(service.submission())
    assert await service.storage.jobs.get(JOB) is None
    assert (cloud.paid, service.used()) == (0, (0, 0))


async def test_a_stop_waits_for_a_post_that_is_on_its_way_but_not_for_long(
    service: Service, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.SILENCE)
    await service.jobs.start(service.submission())
    while not cloud.requests_seen:
        await service.stored()
    stopping = asyncio.create_task(service.jobs.close())
    while 5.0 not in service.clock.waits:
        await service.stored()
    assert not stopping.done()
    service.clock.advance(timedelta(seconds=5))
    await stopping
    assert (await service.stored()).state is State.SUBMITTING


async def test_the_next_process_goes_on_where_the_last_one_stopped(
    database_url: str, cloud: GmiCloud, still: StillClock
) -> None:
    cloud.outcome(Outcome(stuck=True))
    pending = PendingReply(JOB + 1, MEMBER, CardLocation(3, GUILD))
    async with running(database_url, cloud, still) as first:
        await first.jobs.start(first.submission())
        await first.reach(State.QUEUED)
        await first.jobs.add_pending_reply(pending)
        await first.jobs.close()
    async with running(database_url, cloud, still) as second:
        assert second.jobs.has(JOB)
        assert second.used() == (1, 1)
        while not second.delivery.lost:
            await second.stored()
        assert second.delivery.lost == [pending.id]
        seen = len(cloud.requests_seen)
        still.advance(timedelta(minutes=1))
        while len(cloud.requests_seen) == seen:
            await second.stored()
        assert cloud.requests_seen[-1].path.endswith(cloud.posts[0].request_id)
        assert cloud.paid == 1


async def usual_time(service: Service, job_id: int) -> timedelta:
    """Start a job and return how long its card in line says that it takes."""
    await service.jobs.start(service.submission(job_id))
    job = await service.reach(State.QUEUED, job_id)
    while (service.delivery.shown[-1].id, service.delivery.shown[-1].state) != (job_id, State.QUEUED):
        await service.stored(job_id)
    ready_at = service.delivery.extras[-1].ready_at
    assert ready_at is not None
    assert job.state_since is not None
    return ready_at - job.state_since


async def test_what_was_learned_about_durations_outlives_the_process(
    database_url: str, cloud: GmiCloud, still: StillClock
) -> None:
    cloud.timing = Timing(queued=1, processing=8)  # what a minute teaches is saved by the stop only
    async with running(database_url, cloud, still) as first:
        for number in range(5):
            await first.jobs.start(first.submission(JOB + number))
            await first.follow(JOB + number)
        learned = await usual_time(first, JOB + 5)
        await first.jobs.close()
    async with running(database_url, cloud, still) as second:
        assert await usual_time(second, JOB + 9) == learned
    async with running(f"{database_url}-new", cloud, still) as new:
        assert await usual_time(new, JOB) != learned


async def test_what_no_quota_counts_any_more_leaves_memory_once_an_hour(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tidied: list[Any] = []
    monkeypatch.setattr(service.quotas, "forget_old", tidied.append)
    for minutes in (0, 60, 1, 60, 1):
        service.clock.advance(timedelta(minutes=minutes))
        await service.jobs.start(service.submission(JOB + len(tidied) * 100 + minutes + 1))
    assert tidied == [START + timedelta(minutes=61), START + timedelta(minutes=122)]


async def test_a_job_in_line_is_cancelled(service: Service, cloud: GmiCloud) -> None:
    cloud.outcome(Outcome(stuck=True))
    await service.jobs.start(service.submission())
    await service.reach(State.QUEUED)
    assert await service.jobs.cancel(JOB, MEMBER) is CancelResult.YES
    job = await service.stored()
    assert (job.state, job.reason, service.used()) == (State.CANCELLED, Reason.CANCELLED, (0, 0))


async def test_a_copy_of_a_card_is_shown_elsewhere(service: Service) -> None:
    job = await service.jobs.start(service.submission())
    await service.jobs.move_card(job, CardLocation(5, GUILD, private=True))
    assert [copy.location.channel_id for copy in service.delivery.copies] == [5]

"""The ledger: what is acknowledged survives a crash, and memory equals the fold over it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from bot.jobs.active import ActiveJobs, rebuild_quotas
from bot.models.drafts import Draft, Source
from bot.models.jobs import (
    OPEN,
    TRANSITIONS,
    CardLocation,
    Charge,
    Job,
    PendingReply,
    Reason,
    State,
    can_move,
)
from bot.models.quotas import QuotaExceeded, Rule, Scope
from bot.models.requests import Kind, Reference, VideoRequest
from bot.quotas.limiter import QuotaLimiter
from bot.storage.schema import metadata
from bot.storage.storage import StaleJob, Storage, StorageFault, StorageUnavailable
from fakes import postgres

START = datetime(2026, 1, 1, tzinfo=UTC)
GUILD, MEMBERS = 10, (1, 2)


def new_job(job_id: int, user_id: int = 1, seconds: int = 5, now: datetime = START) -> Job:
    reference = Reference(Kind.IMAGE, "fox.png", "https://cdn.example.invalid/fox.png", 1000, 320, 240)
    request = VideoRequest("a fox 🦊\nin the snow", (reference,), seconds, 7)
    expires = now + timedelta(minutes=15)
    location = CardLocation(3, GUILD, 4, "fake-token", expires, True, True, 10_000_000, guest=True)
    return Job(
        job_id,
        user_id,
        location,
        request,
        "vidu-q2-pro-r2v",
        now,
        quota_guild_id=GUILD,
        state_since=now,
        spoiler=True,
    )


class FixedClock:
    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        raise AssertionError("nothing here has to wait")


class Crashes(RuleBasedStateMachine):
    """Jobs start, move, and the process dies at any moment; a new one takes over the same file."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.url = self.new_database()
        self.clock = FixedClock()
        self.next_id = 1
        self.charges: dict[int, list[Charge]] = {}
        self.boot()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def new_database(self) -> str:
        return f"sqlite+aiosqlite:///{Path(self.folder.name) / 'ledger.db'}"

    def boot(self) -> None:
        self.storage: Storage = self.run(Storage.open(self.url))
        self.quotas = QuotaLimiter(Rule(3, None), 2, 3)
        self.run(rebuild_quotas(self.storage, self.quotas, self.clock.now()))
        self.open = ActiveJobs(self.storage, self.quotas, self.clock)
        for job in self.run(self.storage.jobs.unfinished()):
            self.open.add(job)

    @rule(target=jobs, user_id=st.sampled_from(MEMBERS), seconds=st.integers(1, 10), dies=st.booleans())
    def start(self, user_id: int, seconds: int, dies: bool) -> Any:
        job = new_job(self.next_id, user_id, seconds, self.clock.now())
        try:
            self.quotas.reserve(job.id, GUILD, user_id, [], seconds, self.clock.now())
        except QuotaExceeded:
            return multiple()
        self.next_id += 1
        if dies:  # between the reservation and the intent: nothing was promised
            self.crash()
            return multiple()
        assert self.run(self.storage.jobs.add(job))
        assert not self.run(self.storage.jobs.add(job))
        self.open.add(job)
        self.charges[job.id] = [job.charge]
        return job.id

    @rule(job_id=jobs, choice=st.randoms(use_true_random=False))
    def move(self, job_id: int, choice: Any) -> None:
        job = self.open.get(job_id)
        if job is None or not TRANSITIONS[job.state]:
            return
        state = choice.choice(sorted(state for state in State if can_move(job, state)))
        changes: dict[str, Any] = {"reason": Reason.FAILED if state is State.FAILED else None}
        if state is State.REFUSED:
            changes["reason"] = choice.choice([Reason.POLICY, Reason.RATE])
        if state is State.SUCCEEDED and choice.choice([True, False]):
            changes["results"] = ("https://cdn.example.invalid/a.mp4",)
        known = job.request_id or choice.choice([None, f"req-{job_id}"])
        request_id = None if state in {State.REFUSED, State.UNCONFIRMED} else known
        after = self.run(self.open.transition(job_id, state, request_id=request_id, **changes))
        if after.charge is not self.charges[job_id][-1]:
            self.charges[job_id].append(after.charge)

    @rule(job_id=consumes(jobs))
    def forget(self, job_id: int) -> None:
        job = self.open.get(job_id)
        if job is not None and job.state not in OPEN:
            self.run(self.open.update(job_id, lambda job: replace(job, acknowledged=True)))
            self.open.drop(job_id)

    @rule(minutes=st.sampled_from([1, 30, 60, 30 * 60]))
    def time_passes(self, minutes: int) -> None:
        self.clock.moment += timedelta(minutes=minutes)

    @rule(user_id=st.sampled_from(MEMBERS))
    def reset(self, user_id: int) -> None:
        self.run(self.storage.quotas.save_reset(GUILD, user_id, self.clock.now()))
        self.quotas.reset(GUILD, user_id, self.clock.now())
        self.clock.moment += timedelta(seconds=1)

    @rule(videos=st.integers(0, 4))
    def set_rule(self, videos: int) -> None:
        self.run(self.storage.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(videos, None)))
        self.quotas.set_rule(GUILD, Scope.SERVER, None, Rule(videos, None))

    @rule()
    def crash(self) -> None:
        self.run(self.storage.close())
        self.boot()

    @invariant()
    def memory_equals_the_fold(self) -> None:
        folded = QuotaLimiter(Rule(3, None), 2, 3)
        self.run(rebuild_quotas(self.storage, folded, self.clock.now()))
        for user_id in MEMBERS:
            ours = self.quotas.standing(GUILD, user_id, [], self.clock.now())
            assert ours == folded.standing(GUILD, user_id, [], self.clock.now())

    @invariant()
    def nothing_is_charged_twice_and_no_reservation_leaks(self) -> None:
        for job_id, charges in self.charges.items():
            assert len(charges) <= 2
            stored: Job = self.run(self.storage.jobs.get(job_id))
            assert stored.charge is charges[-1]
            if stored.state not in OPEN:
                assert stored.charge is not Charge.HELD
        unfinished = {job.id for job in self.run(self.storage.jobs.unfinished())}
        assert unfinished == {job.id for job in self.open}

    def teardown(self) -> None:
        self.run(self.storage.close())
        self.runner.close()
        self.folder.cleanup()


class PostgresCrashes(Crashes):
    """The same on a server."""

    def new_database(self) -> str:
        server = postgres.shared()
        return server.url(self.run(server.create()))


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPostgresCrashes = PostgresCrashes.TestCase
TestPostgresCrashes.settings = settings(TestCrashes.settings, max_examples=4)


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'new' / 'ledger.db'}"
    server = postgres.shared()
    return server.url(await server.create())


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(url)
    yield opened
    await opened.close()


async def test_a_job_comes_back_as_it_was_written(storage: Storage) -> None:
    job = replace(
        new_job(1),
        state=State.SUCCEEDED,
        reason=Reason.RATE,
        detail="TaskTimeout",
        results=("https://example.invalid/a.mp4",),
        request_id="req-1",
        waiting_until=START + timedelta(microseconds=1),
        charge=Charge.SETTLED,
        acknowledged=True,
        revision=9,
    )
    assert await storage.jobs.add(job)
    assert await storage.jobs.get(1) == job


async def test_a_stale_change_is_refused(storage: Storage) -> None:
    job = new_job(1)
    await storage.jobs.add(job)
    await storage.jobs.save(replace(job, revision=1), previous=0)
    with pytest.raises(StaleJob):
        await storage.jobs.save(replace(job, revision=1, state=State.QUEUED), previous=0)


async def test_a_members_jobs_come_newest_first_and_by_page(storage: Storage) -> None:
    for number in range(5):
        await storage.jobs.add(new_job(number, now=START + timedelta(hours=number)))
    await storage.jobs.add(new_job(9, user_id=2))
    assert [job.id for job in await storage.jobs.of_user(1, limit=2, offset=1)] == [3, 2]


async def test_ids_and_seeds_of_all_jobs_are_known_however_many(storage: Storage) -> None:
    for number in range(3):
        job = replace(new_job(number), request_id=f"req-{number}", state=State.DELIVERED)
        await storage.jobs.add(replace(job, request=replace(job.request, seed=number)))
    asked = [f"req-{number}" for number in range(1, 1200)]
    assert await storage.jobs.known_requests(asked) == {"req-1", "req-2"}
    assert await storage.jobs.known_requests([]) == set()
    assert [job.id for job in await storage.jobs.with_seeds(range(2, 1200))] == [2]


async def test_jobs_without_an_id_are_found_by_the_time_in_which_they_may_have_been_sent(
    storage: Storage,
) -> None:
    hour = timedelta(hours=1)
    refused = replace(new_job(1), state=State.REFUSED, state_since=START + hour)
    waiting = new_job(2)
    cancelled = replace(new_job(3), state=State.CANCELLED, state_since=START + hour)
    known = replace(new_job(4), state=State.QUEUED, request_id="req-4")
    for job in (refused, waiting, cancelled, known):
        await storage.jobs.add(job)

    async def found(earliest: datetime, latest: datetime) -> list[int]:
        return sorted(job.id for job in await storage.jobs.without_request(earliest, latest))

    assert await found(START - hour, START - hour / 2) == []
    assert await found(START, START + hour / 2) == [1, 2]
    assert await found(START + 2 * hour, START + 3 * hour) == [2]


async def test_the_migrations_lead_to_the_tables_of_the_code(storage: Storage) -> None:
    def differences(connection: sa.Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with storage.database.transaction(reads=True) as connection:
        assert await connection.run_sync(differences) == []


async def test_promises_of_one_moment_share_a_commit_and_all_are_kept(storage: Storage) -> None:
    commits = 0

    def committed(_: sa.Connection) -> None:
        nonlocal commits
        commits += 1

    sa.event.listen(sa.Engine, "commit", committed)
    places = [PendingReply(number, 1, CardLocation(3, GUILD)) for number in range(200)]
    known = PendingReply(7, 1, CardLocation(3, GUILD, message_id=9))
    await asyncio.gather(*(storage.replies.add(place) for place in (*places, known)))
    sa.event.remove(sa.Engine, "commit", committed)
    assert commits <= 2
    assert await storage.replies.all() == [known if place.id == 7 else place for place in places]


async def test_a_promise_that_cannot_be_written_says_so_to_all_who_wait(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def fails(*_: object, **__: object) -> AsyncIterator[None]:
        raise StorageUnavailable("OSError")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(storage.database, "_begin", fails)
        promises = [
            storage.replies.add(PendingReply(number, 1, CardLocation(3, GUILD))) for number in range(3)
        ]
        outcomes = await asyncio.gather(*promises, return_exceptions=True)
        assert all(isinstance(each, StorageUnavailable) for each in outcomes)
    await storage.replies.add(PendingReply(9, 1, CardLocation(3, GUILD)))
    assert [place.id for place in await storage.replies.all()] == [9]


async def test_an_answer_that_could_not_be_noted_is_noted_with_the_next(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.replies.add(PendingReply(1, 1, CardLocation(3, GUILD)))

    @asynccontextmanager
    async def fails(*_: object, **__: object) -> AsyncIterator[None]:
        raise StorageUnavailable("OSError")
        yield

    with monkeypatch.context() as patched:
        patched.setattr(storage.database, "_begin", fails)
        await storage.replies.remove(1)
    assert [place.id for place in await storage.replies.all()] == [1]
    await storage.replies.add(PendingReply(2, 1, CardLocation(3, GUILD)))
    assert [place.id for place in await storage.replies.all()] == [2]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_is_saved_is_on_disk_at_once(storage: Storage) -> None:
    async with storage.database.transaction() as connection:
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2


async def test_nothing_is_too_long_or_too_odd_to_be_stored(storage: Storage) -> None:
    odd = "a\x00b\ud800" + "c" * 120
    reference = Reference(Kind.VIDEO, odd, odd, 2**70, 320, 240, seconds=float("nan"))
    job = replace(
        new_job(1),
        location=CardLocation(3, GUILD, 4, odd, upload_limit=2**70),
        request=VideoRequest(odd, (reference,), 5, 2**80),
        model=odd,
        request_id=odd,
        detail=odd,
        results=(odd,),
        state=State.FAILED,
        reason=Reason.FAILED,
    )
    clean = odd.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")

    assert await storage.jobs.add(job)
    await storage.jobs.save(replace(job, revision=1), previous=0)

    stored = await storage.jobs.get(1)
    assert stored is not None
    assert (stored.detail, stored.model) == (clean[:100], clean[:100])
    assert (stored.request_id, stored.location.token, stored.request.prompt) == (clean, clean, clean)
    assert stored.results == (clean,)
    assert stored.request.references[0].name == clean
    assert (stored.request.seed, stored.location.upload_limit) == (2**63 - 1, 2**63 - 1)
    draft = Draft(5, 1, odd, (Source(odd, odd, 2**70),), seed=odd)
    await storage.drafts.save(draft, START)
    assert await storage.drafts.get(5) == replace(
        draft, prompt=clean, seed=clean, sources=(Source(clean, clean, 2**70),)
    )
    await storage.notes.save(odd, odd)
    assert await storage.notes.get(odd) == clean
    await storage.replies.add(PendingReply(6, 1, CardLocation(3, GUILD, token=odd)))
    assert [place.location.token for place in await storage.replies.all()] == [clean]
    await storage.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(2**40, None))
    assert [stored_rule.rule.videos for stored_rule in await storage.quotas.rules()] == [2**31 - 1]


async def test_a_row_that_makes_no_sense_leaves_the_others_readable(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 3):
        await storage.jobs.add(new_job(number))
        await storage.replies.add(PendingReply(number + 10, 1, CardLocation(3, GUILD)))
    await storage.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(3, None))
    await storage.quotas.save_rule(GUILD, Scope.MEMBER, 5, Rule(4, None))
    for user_id in (1, 2):
        await storage.quotas.save_reset(GUILD, user_id, START)
    # So many microseconds are later than any date that Python knows.
    async with storage.database.transaction() as connection:
        for statement in (
            "UPDATE jobs SET state = 'dreaming', told = false WHERE id = 1",
            "UPDATE jobs SET charge = 'free' WHERE id = 1",
            "UPDATE jobs SET reference_list = '[{\"kind\": 7}]' WHERE id = 2",
            "UPDATE quota_rules SET per = 'decade' WHERE target_id = 5",
            "UPDATE quota_resets SET at = 4611686018427387904 WHERE user_id = 2",
            "UPDATE placeholders SET token_expires = 4611686018427387904 WHERE id = 12",
        ):
            await connection.exec_driver_sql(statement)

    assert [job.id for job in await storage.jobs.unfinished()] == [3]
    assert [job.id for job in await storage.jobs.of_user(1, limit=5)] == [3]
    assert [use.job_id for use in await storage.quotas.uses(START - timedelta(days=1))] == [2, 3]
    assert [stored.rule.videos for stored in await storage.quotas.rules()] == [3]
    assert [reset.user_id for reset in await storage.quotas.resets()] == [1]
    assert [place.id for place in await storage.replies.all()] == [11, 13]
    assert "A row of jobs (1) cannot be read: ValueError" in caplog.text
    assert "fake-token" not in caplog.text


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_broken_json_leaves_the_other_rows_readable(storage: Storage) -> None:
    for number in (1, 2):
        await storage.jobs.add(new_job(number))
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE jobs SET reference_list = '[{' WHERE id = 1")
    assert [job.id for job in await storage.jobs.unfinished()] == [2]


async def test_what_no_database_takes_is_not_tried_for_ever(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    jobs_open = ActiveJobs(storage, QuotaLimiter(Rule(3, None), 2), FixedClock())
    for number in (1, 2):
        await storage.jobs.add(new_job(number))
        jobs_open.add(new_job(number))
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME COLUMN detail TO details")

    with pytest.raises(StorageFault):
        await jobs_open.transition(1, State.QUEUED)

    assert jobs_open[1].state is State.SUBMITTING
    assert "Job 1: cannot be saved as it is" in caplog.text
    assert "a fox" not in caplog.text
    async with storage.database.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE jobs RENAME COLUMN details TO detail")
    assert (await jobs_open.transition(2, State.QUEUED)).state is State.QUEUED
    assert (await jobs_open.transition(1, State.QUEUED)).state is State.QUEUED

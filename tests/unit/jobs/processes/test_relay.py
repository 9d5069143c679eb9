"""A click on a job that another process owns: that one acts, and whoever clicked hears what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import pytest

from bot.delivery.routes import Undeliverable
from bot.jobs.cancellation import CancelResult
from bot.jobs.deletion import DeleteResult
from bot.jobs.processes.relay import OwnerFailed, OwnerUnheard
from bot.jobs.service import JobService
from bot.models.jobs import CardLocation
from bot.models.states import Reason, State
from bot.storage.processes.hints import HintListener
from bot.storage.storage import StorageUnavailable, TimeLimits
from fakes import postgres
from fakes.gmi.cloud import GmiCloud
from tests.unit.jobs.processes.pair import OTHER, Process, job_elsewhere, open_process
from tests.unit.jobs.stage import JOB, MEMBER, START, VIDEO

DELIVERED = {
    "state": State.DELIVERED,
    "waiting_until": None,
    "request_id": "r",
    "results": VIDEO,
    "acknowledged": True,
}
FAILED = {"state": State.FAILED, "reason": Reason.FAILED, "waiting_until": None}  # and not told yet
PLACE = CardLocation(5, None, token="fake-token", token_expires=START + timedelta(minutes=15), private=True)


@dataclass
class Pair:
    """Who is clicked at, and the owner, which a test may start later."""

    database: str
    url: str
    clicked: Process
    cloud: GmiCloud
    stack: AsyncExitStack

    async def start_owner(self, **fields: object) -> Process:
        """Store a job of the owner, and start that."""
        await self.clicked.storage.jobs.add(job_elsewhere(JOB, **fields))
        return await self.take_over()

    async def take_over(self) -> Process:
        return await self.stack.enter_async_context(open_process(self.url, self.cloud, OTHER))

    async def rows(self) -> int:
        [row] = await postgres.shared().execute(
            "SELECT count(*) FROM relayed_actions", database=self.database
        )
        return int(row[0])

    async def sql(self, statement: str) -> None:
        await postgres.shared().execute(statement, database=self.database)


@pytest.fixture
async def pair(cloud: GmiCloud) -> AsyncIterator[Pair]:
    server = postgres.shared()
    database = await server.create()
    async with AsyncExitStack() as stack:
        url = server.url(database)
        clicked = await stack.enter_async_context(open_process(url, cloud, 0))
        yield Pair(database, url, clicked, cloud, stack)


async def test_the_owner_acts_and_whoever_clicked_hears_what_came_of_it(pair: Pair) -> None:
    private = CardLocation(3, None, private=True)
    await pair.clicked.storage.jobs.add(job_elsewhere(JOB + 1, location=private))
    owner = await pair.start_owner()
    actions, stored = pair.clicked.actions, pair.clicked.stored

    assert await actions.cancel(await stored(JOB), MEMBER) is CancelResult.YES
    job = await stored(JOB)
    assert (job.state, job.cancelled_by) == (State.CANCELLED, MEMBER)

    assert await actions.delete(await stored(JOB + 1)) is DeleteResult.RUNNING
    await actions.move_card(await stored(JOB + 1), PLACE)
    assert owner.delivery.shown[-1].location == PLACE
    owner.delivery.failures.append(Undeliverable("for this test"))
    with pytest.raises(Undeliverable):
        await actions.move_card(await stored(JOB + 1), PLACE)
    assert pair.clicked.delivery.shown == []
    assert await pair.rows() == 0


async def test_a_copy_of_an_ended_job_is_shown_without_its_owner(pair: Pair) -> None:
    await pair.clicked.storage.jobs.add(job_elsewhere(JOB, **DELIVERED))
    await pair.clicked.actions.move_card(await pair.clicked.stored(JOB), PLACE)
    assert [copy.location for copy in pair.clicked.delivery.copies] == [PLACE]


async def test_a_fresh_token_is_stored_whoever_has_the_job(pair: Pair) -> None:
    await pair.clicked.storage.jobs.add(job_elsewhere(JOB + 1, **FAILED, acknowledged=True))
    await pair.start_owner(**FAILED)
    for job_id in (JOB, JOB + 1):
        job = await pair.clicked.stored(job_id)
        await pair.clicked.actions.renew_token(job, "fresh", START + timedelta(minutes=20))
        location = (await pair.clicked.stored(job_id)).location
        assert (location.token, location.token_expires) == ("fresh", START + timedelta(minutes=20))


async def test_without_hints_it_is_done_within_moments_as_well(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hear_nothing(self: HintListener) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(HintListener, "run", hear_nothing)
    await pair.start_owner()
    job = await pair.clicked.stored(JOB)
    assert await pair.clicked.actions.cancel(job, MEMBER) is CancelResult.YES


async def test_an_owner_that_is_gone_is_said_so_and_its_successor_acts(pair: Pair) -> None:
    await pair.clicked.storage.jobs.add(job_elsewhere(JOB))
    with pytest.raises(OwnerUnheard):
        await pair.clicked.actions.cancel(await pair.clicked.stored(JOB), MEMBER)
    assert await pair.rows() == 1
    owner = await pair.take_over()
    while (job := await pair.clicked.stored(JOB)).is_open:
        pass
    assert job.cancelled_by == MEMBER
    assert not owner.jobs.open_jobs()


async def test_what_was_asked_too_long_ago_does_not_happen_and_is_erased(pair: Pair) -> None:
    await pair.clicked.storage.jobs.add(job_elsewhere(JOB))
    with pytest.raises(OwnerUnheard):
        await pair.clicked.actions.cancel(await pair.clicked.stored(JOB), MEMBER)
    await pair.sql("UPDATE relayed_actions SET until = 0")
    owner = await pair.take_over()
    while await pair.rows():
        pass
    assert owner.jobs.has(JOB)


async def test_a_successor_does_not_say_that_there_was_nothing_to_cancel(pair: Pair) -> None:
    await pair.clicked.storage.jobs.add(job_elsewhere(JOB))
    asking = asyncio.create_task(pair.clicked.actions.cancel(await pair.clicked.stored(JOB), MEMBER))
    while not await pair.rows():
        pass
    await pair.sql("UPDATE jobs SET state = 'cancelled', told = true, cancelled_by = user_id")
    await pair.take_over()
    assert await asking is CancelResult.YES


async def test_what_goes_wrong_at_the_owner_is_told_where_the_click_was(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pair.start_owner()
    job = await pair.clicked.stored(JOB)
    for raised, heard in ((StorageUnavailable, StorageUnavailable), (RuntimeError, OwnerFailed)):

        async def fail(self: JobService, job_id: int, user_id: int) -> CancelResult:
            raise raised("for this test")  # noqa: B023

        monkeypatch.setattr(JobService, "cancel", fail)
        with pytest.raises(heard):
            await pair.clicked.actions.cancel(job, MEMBER)
    assert await pair.rows() == 0


async def test_an_answer_that_cannot_be_saved_at_first_is_saved_later(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await pair.start_owner()
    answer, failures = owner.storage.relay.answer, 2

    async def fail_twice(action_id: str, text: str) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StorageUnavailable("for this test")
        await answer(action_id, text)

    monkeypatch.setattr(owner.storage.relay, "answer", fail_twice)
    job = await pair.clicked.stored(JOB)
    assert await pair.clicked.actions.cancel(job, MEMBER) is CancelResult.YES


async def test_a_locked_table_leaves_nobody_without_words(pair: Pair) -> None:
    owner = await pair.start_owner()
    job = await pair.clicked.stored(JOB)
    stores = [process.storage.relay for process in (pair.clicked, owner)]
    for store in stores:
        store._limits = TimeLimits(interactive=0.3)
    locker = await asyncpg.connect(pair.url.replace("+asyncpg", ""))
    async with locker.transaction():
        await locker.execute("LOCK TABLE relayed_actions IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(OwnerUnheard):
            await pair.clicked.actions.cancel(job, MEMBER)
    await locker.close()
    for store in stores:
        store._limits = TimeLimits(interactive=20)
    assert await pair.clicked.actions.cancel(job, MEMBER) is CancelResult.YES


async def test_what_belongs_to_this_process_needs_no_other(pair: Pair) -> None:
    await pair.sql("DROP TABLE relayed_actions")
    mine = job_elsewhere(JOB, shard=0)
    assert await pair.clicked.actions.cancel(mine, MEMBER) is CancelResult.ENDED

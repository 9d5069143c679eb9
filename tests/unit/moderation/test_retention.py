"""What is old goes in batches that hold nobody up, however long the history is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.models.drafts import Draft
from bot.models.jobs import Charge
from bot.models.quotas import Rule, Scope
from bot.models.shards import ALL, Share, share_of
from bot.models.states import State
from bot.moderation.privacy import Privacy
from bot.moderation.retention import BETWEEN_BATCHES, EVERY, FIRST, PENDING_EVERY, Retention
from bot.storage.job_rows import job_to_row
from bot.storage.privacy.retention import BATCH
from bot.storage.schema import erasures, jobs
from bot.storage.storage import Storage
from fakes.gmi.cloud import GmiCloud, Timing
from tests.unit.jobs.service import Service
from tests.unit.jobs.stage import GUILD, MEMBER, START, VIDEO, StillClock, new_job
from tests.unit.storage.faults import another_writer

DAY = timedelta(days=1)
KEPT_FOR = timedelta(days=30)
INSTANT = timedelta(microseconds=1)
MANY = 5 * BATCH + 7
LOOKS_MAX = 2000


@dataclass
class Hourly:
    """The hourly task beside the service of jobs, on a clock that only the test moves."""

    service: Service
    retention: Retention
    clock: StillClock
    forgotten: list[int]
    refreshed: list[datetime]  # when the logs of servers were brought up to date

    @property
    def storage(self) -> Storage:
        return self.service.storage

    async def with_content(self) -> int:
        query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.prompt != "")
        return int((await self.storage.database.rows(query, 20.0))[0][0])

    async def until(self, condition: Callable[[], bool], advancing: float = 0.0) -> None:
        """Wait until something holds, and let so many seconds pass at each look."""
        for _ in range(LOOKS_MAX):
            if condition():
                return
            self.clock.advance(timedelta(seconds=advancing))
            await self.look()
        raise AssertionError("it never came")

    async def look(self) -> None:
        """Ask the database something, and so let others come to their turn."""
        await self.storage.notes.get("a name")

    async def settle(self) -> None:
        """Let everything happen that the present moment asks for."""
        for _ in range(50):
            await self.look()

    async def reach(self, left: int, advancing: float = 0.0) -> None:
        """Wait until so many jobs have content."""
        for _ in range(LOOKS_MAX):
            if await self.with_content() == left:
                return
            self.clock.advance(timedelta(seconds=advancing))
        raise AssertionError(f"{await self.with_content()} jobs are left, and not {left}")

    async def compacted(self, *, advancing: float = 0.0) -> None:
        """Wait until the file was written anew."""
        await self.until(lambda: not self.storage.compaction.wanted, advancing)


@pytest.fixture
async def hourly(service: Service, still: StillClock) -> Hourly:
    return await begin(service, still, ALL)


async def begin(service: Service, still: StillClock, share: Share) -> Hourly:
    """Let one of several processes begin to erase what is its own."""
    forgotten: list[int] = []
    refreshed: list[datetime] = []

    async def forget(guild_id: int) -> None:
        await service.storage.servers.erase(guild_id)
        forgotten.append(guild_id)

    async def refresh() -> None:
        refreshed.append(still.now())

    retention = Retention(
        service.storage,
        service.jobs.erasure,
        still,
        KEPT_FOR,
        forget_server=forget,
        refresh_logs=refresh,
        share=share,
    )
    service.tasks.supervise(retention.run, "erase what is old")
    await asyncio.sleep(0)
    return Hourly(service, retention, still, forgotten, refreshed)


def old_row(job_id: int, **fields: Any) -> dict[str, Any]:
    job = replace(
        new_job(START + job_id * INSTANT, job_id),
        state=State.DELIVERED,
        charge=Charge.SETTLED,
        results=VIDEO,
        acknowledged=True,
        request_id=f"req-{job_id}",
    )
    return job_to_row(replace(job, **fields))


async def fill(storage: Storage, rows: list[dict[str, Any]]) -> None:
    async with storage.database.transaction() as connection:
        await connection.execute(jobs.insert(), rows)


async def test_a_long_history_goes_in_batches_and_others_write_in_between(hourly: Hourly) -> None:
    await fill(hourly.storage, [old_row(job_id) for job_id in range(1, MANY + 1)])
    hourly.clock.advance(KEPT_FOR - EVERY)
    for _ in range(2 * MANY // BATCH):
        await hourly.settle()  # the tokens go first, in batches as well
        hourly.clock.advance(timedelta(seconds=BETWEEN_BATCHES))
    assert await hourly.with_content() == MANY
    hourly.clock.advance(2 * EVERY)
    left, looks = MANY, 0
    while left:
        looks += 1
        assert looks < LOOKS_MAX, "it never ends"
        before, left = left, await hourly.with_content()
        assert before - left in {0, BATCH, MANY % BATCH}
        await hourly.storage.notes.save("somebody else", "writes")
        hourly.clock.advance(timedelta(seconds=BETWEEN_BATCHES))
    async with hourly.storage.database.transaction(reads=True) as connection:
        rows = (await connection.execute(sa.select(jobs))).all()
    assert {(row.prompt, row.token, row.detail, row.deleted_at is not None) for row in rows} == {
        ("", None, None, True)
    }
    assert {(row.user_id, row.seed, row.request_id) for row in rows} == {
        (MEMBER, 7, f"req-{job_id}") for job_id in range(1, MANY + 1)
    }


async def test_a_row_that_cannot_be_read_is_erased_too(hourly: Hourly) -> None:
    await fill(hourly.storage, [old_row(1)])
    async with hourly.storage.database.transaction() as connection:
        await connection.exec_driver_sql("UPDATE jobs SET reference_list = '[7]', reason = 'nonsense'")
    hourly.clock.advance(KEPT_FOR + DAY)
    await hourly.reach(0)
    await hourly.until(lambda: bool(hourly.refreshed), advancing=60)


async def test_an_hour_without_anything_old_is_one_question_that_no_history_makes_slow(
    hourly: Hourly,
) -> None:
    await fill(
        hourly.storage,
        [old_row(job_id) | {"deleted_at": 1, "prompt": "", "token": None} for job_id in range(1, 2000)],
    )
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if "jobs" in statement:
            asked.append(statement)
            values.extend(parameters)

    values: list[Any] = []
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        hourly.clock.advance(KEPT_FOR + DAY)
        await hourly.until(lambda: bool(asked))
        await hourly.settle()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    (question,) = asked
    async with hourly.storage.database.transaction(reads=True) as connection:
        plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", tuple(values))).all()
    steps = [row[-1] for row in plan if "jobs" in row[-1]]
    assert len(steps) == 3
    assert all("USING" in step and "INDEX" in step for step in steps), steps


async def test_a_job_that_is_passed_over_is_found_again_when_it_has_ended(hourly: Hourly) -> None:
    await fill(hourly.storage, [old_row(1, acknowledged=False), old_row(2)])
    hourly.clock.advance(KEPT_FOR + DAY)
    await hourly.reach(1)
    await hourly.storage.database.write(20.0, jobs.update().values(told=True))
    await hourly.reach(0, advancing=60)


async def test_drafts_and_the_rules_of_servers_that_are_gone_go(hourly: Hourly) -> None:
    await hourly.storage.drafts.save(Draft(5, MEMBER, "a fox"), START)
    await hourly.storage.servers.note_departure(GUILD, START)
    await hourly.storage.quotas.save_reset(GUILD, MEMBER, START)
    hourly.clock.advance(DAY + INSTANT)
    for _ in range(LOOKS_MAX):
        if await hourly.storage.drafts.get(5) is None:
            break
    else:
        raise AssertionError("the draft is still there")
    assert hourly.forgotten == []
    await hourly.settle()
    hourly.clock.advance(timedelta(days=30))
    await hourly.until(lambda: bool(hourly.forgotten), advancing=600)
    assert hourly.forgotten == [GUILD]
    assert await hourly.storage.quotas.resets(START - timedelta(days=365)) == []


async def test_what_a_member_wants_erased_is_looked_at_every_minute_until_it_has_ended(
    hourly: Hourly,
) -> None:
    await fill(hourly.storage, [old_row(1), old_row(2, acknowledged=False)])
    hourly.clock.advance(FIRST)
    forget_cast = hourly.storage.cast_shares.erase_member
    result = await Privacy(hourly.storage, hourly.retention, hourly.clock, forget_cast).erase(MEMBER)
    assert (result.videos, result.left) == (1, 1)
    await hourly.compacted(advancing=1)
    await hourly.storage.database.write(20.0, jobs.update().values(told=True))
    for _ in range(3):
        hourly.clock.advance(PENDING_EVERY)
        await hourly.settle()
    await hourly.reach(0)
    async with hourly.storage.database.transaction(reads=True) as connection:
        assert len((await connection.execute(sa.select(erasures))).all()) == 1


def file_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite+aiosqlite:///"))


async def test_the_file_is_written_anew_once_nobody_is_in_the_way(
    hourly: Hourly, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await hourly.compacted(advancing=10)  # once after a start
    await fill(hourly.storage, [old_row(1)])
    with another_writer(file_of(database_url)):
        hourly.storage.compaction.request()
        await hourly.until(lambda: "Not everything old is erased yet" in caplog.text, advancing=0.01)
        assert hourly.storage.compaction.wanted
    await hourly.until(lambda: file_of(database_url + "-wal").stat().st_size == 0, advancing=10)
    await hourly.compacted()


async def test_a_large_file_is_written_anew_once_a_day_and_only_while_nothing_runs(
    hourly: Hourly, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hourly.compacted(advancing=10)
    monkeypatch.setattr("bot.storage.privacy.compaction.SMALL", 1)
    compaction = hourly.storage.compaction

    async def hours(count: int) -> None:
        for _ in range(count):
            hourly.clock.advance(EVERY)
            await hourly.settle()

    compaction.note()
    await hours(1)
    await hourly.compacted()
    compaction.note()
    await hours(22)
    assert compaction.wanted  # not a day ago
    cloud.timing = Timing(queued=10, processing=8 * 3600)
    await hourly.service.jobs.start(hourly.service.submission())
    await hours(4)
    assert compaction.wanted  # something runs
    await hourly.compacted(advancing=300)
    assert (await hourly.service.stored()).state is State.DELIVERED


@pytest.mark.parametrize("slot", [0, 1])
async def test_of_several_processes_each_erases_what_belongs_to_its_shards(
    service: Service, still: StillClock, slot: int
) -> None:
    share = share_of(slot, 2, 2)
    await fill(service.storage, [old_row(number, shard=number % 3) for number in range(1, 10)])
    for number in (0, 1):
        guild_id = number << 22 | 10
        await service.storage.quotas.save_rule(guild_id, Scope.SERVER, None, Rule(1, None))
        await service.storage.servers.note_departure(guild_id, still.now())
    await service.storage.members.request_erasure(777, still.now())
    hourly = await begin(service, still, share)
    hourly.clock.advance(timedelta(days=400))
    # Shards 0 and 2, which no longer is one, belong to the first process; shard 1 to the second.
    await hourly.reach(3 if slot == 0 else 6, advancing=BETWEEN_BATCHES)
    await hourly.until(lambda: bool(hourly.forgotten), BETWEEN_BATCHES)
    assert hourly.forgotten == [slot << 22 | 10]
    await hourly.settle()
    left = await service.storage.members.erasure_requests()
    assert bool(left) is (slot == 1)

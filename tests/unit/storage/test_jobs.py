"""Jobs in the database: what is written comes back, and nobody overwrites what is newer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from bot.models.catalog import Kind
from bot.models.jobs import CardLocation, Charge, Job, PendingReply, without_content
from bot.models.requests import Reference, VideoRequest
from bot.models.states import Reason, State
from bot.storage.schema import jobs
from bot.storage.storage import StaleJob, Storage
from tests.unit.storage.samples import GUILD, START, new_job

HOUR = timedelta(hours=1)


async def test_a_job_comes_back_as_it_was_written(storage: Storage) -> None:
    job = replace(
        new_job(1),
        state=State.SUCCEEDED,
        reason=Reason.RATE,
        detail="TaskTimeout",
        results=("https://example.invalid/a.mp4",),
        request_id="req-1",
        waiting_until=START + timedelta(microseconds=1),
        refetch_until=START + HOUR,
        charge=Charge.SETTLED,
        acknowledged=True,
        cancelled_by=2,
        deleted_at=START + HOUR,
        revision=9,
    )
    assert await storage.jobs.add(job)
    assert await storage.jobs.get(1) == job
    assert await storage.jobs.get(2) is None


async def test_a_job_without_all_that_can_be_missing_comes_back_as_well(storage: Storage) -> None:
    job = replace(new_job(1), location=CardLocation(3, None), quota_guild_id=None, state_since=None)
    assert await storage.jobs.add(job)
    assert await storage.jobs.get(1) == job


async def test_the_same_job_is_added_once(storage: Storage) -> None:
    assert await storage.jobs.add(new_job(1))
    assert not await storage.jobs.add(new_job(1, user_id=2))
    assert await storage.jobs.get(1) == new_job(1)


async def test_a_job_takes_the_place_of_its_own_pending_reply(storage: Storage) -> None:
    for reply_id in (1, 2):
        await storage.replies.add(PendingReply(reply_id, 1, CardLocation(3, GUILD)))
    await storage.jobs.add(new_job(1))
    assert [reply.id for reply in await storage.replies.all()] == [2]


async def test_a_saved_change_replaces_the_revision_before(storage: Storage) -> None:
    for number in (1, 2):
        await storage.jobs.add(new_job(number))
    changed = replace(new_job(1), revision=1, state=State.QUEUED, request_id="req-1")
    await storage.jobs.save(changed, previous=0)
    assert await storage.jobs.get(1) == changed
    assert await storage.jobs.get(2) == new_job(2)


async def test_a_stale_change_is_refused(storage: Storage) -> None:
    job = new_job(1)
    await storage.jobs.add(job)
    first = replace(job, revision=1)
    await storage.jobs.save(first, previous=0)
    with pytest.raises(StaleJob):
        await storage.jobs.save(replace(job, revision=1, state=State.QUEUED), previous=0)
    with pytest.raises(StaleJob):
        await storage.jobs.save(replace(new_job(2), revision=1), previous=0)
    assert await storage.jobs.get(1) == first


async def test_a_job_that_was_not_sent_is_removed(storage: Storage) -> None:
    await storage.jobs.add(new_job(1))
    await storage.jobs.add(new_job(2))
    await storage.jobs.remove_unsent(new_job(1))
    await storage.jobs.remove_unsent(new_job(1))
    assert await storage.jobs.get(1) is None
    assert await storage.jobs.get(2) is not None


@pytest.mark.parametrize(
    "there",
    [
        replace(new_job(1), state=State.QUEUED),
        replace(new_job(1), revision=1),
        replace(new_job(1), created_at=START + timedelta(microseconds=1)),
    ],
    ids=["it has begun", "it was changed", "it is another request"],
)
async def test_a_job_that_has_begun_is_not_removed(there: Job, storage: Storage) -> None:
    await storage.jobs.add(there)
    await storage.jobs.remove_unsent(new_job(1))
    assert await storage.jobs.get(1) == there


async def test_a_job_is_unfinished_as_long_as_anything_is_left_to_do(storage: Storage) -> None:
    done = replace(new_job(0), state=State.DELIVERED, acknowledged=True)
    added = [
        replace(done, id=5, state=State.UNCONFIRMED),
        replace(done, id=4, state=State.OVERDUE),
        replace(done, id=3, acknowledged=False),
        replace(done, id=2, refetch_until=START),
        replace(done, id=1),
        replace(done, id=6, state=State.FAILED),
    ]
    for job in added:
        await storage.jobs.add(job)
    assert [job.id for job in await storage.jobs.unfinished()] == [2, 3, 4, 5]


async def test_a_members_jobs_come_newest_first_and_by_page(storage: Storage) -> None:
    for number in range(5):
        await storage.jobs.add(new_job(number, now=START + number * HOUR))
    await storage.jobs.add(new_job(7, now=START + 4 * HOUR))
    await storage.jobs.add(new_job(9, user_id=2))
    assert [job.id for job in await storage.jobs.of_user(1, limit=3)] == [7, 4, 3]
    assert [job.id for job in await storage.jobs.of_user(1, limit=2, offset=2)] == [3, 2]
    assert await storage.jobs.count_of_user(1) == 6
    assert await storage.jobs.count_of_user(3) == 0


async def test_what_was_deleted_is_in_no_list_and_still_counts(storage: Storage) -> None:
    for number in (1, 2, 3):
        job = replace(new_job(number), state=State.DELIVERED, charge=Charge.SETTLED, request_id=f"r{number}")
        await storage.jobs.add(job)
        if number == 2:
            await storage.jobs.save(replace(without_content(job, START + HOUR), revision=1), previous=0)
    assert [job.id for job in await storage.jobs.of_user(1, limit=5)] == [3, 1]
    assert await storage.jobs.count_of_user(1) == 2
    # Until its card is removed something is left to do, and nothing is forgotten that counts.
    assert 2 in [job.id for job in await storage.jobs.unfinished()]
    pages = [page async for page in storage.quotas.ended_jobs(START - HOUR)]
    assert [[use.job_id for use in page] for page in pages] == [[1, 2, 3]]
    assert await storage.jobs.known_requests(["r2"]) == {"r2"}
    assert [job.id for job in await storage.jobs.with_seeds([7])] == [1, 2, 3]


async def test_ids_and_seeds_of_all_jobs_are_known_however_many(storage: Storage) -> None:
    for number in range(3):
        job = replace(new_job(number), request_id=f"req-{number}", state=State.DELIVERED)
        await storage.jobs.add(replace(job, request=replace(job.request, seed=number)))
    # One more than a statement takes: the first comes in one batch, and the last in another.
    asked = ["req-1", *(f"other-{number}" for number in range(499)), "req-2"]
    assert await storage.jobs.known_requests(asked) == {"req-1", "req-2"}
    assert await storage.jobs.known_requests([]) == set()
    assert [job.id for job in await storage.jobs.with_seeds([*range(3, 503), 2])] == [2]


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        (jobs.c.request_id.in_(["req-1", "req-9"]), "jobs_by_request"),
        (jobs.c.seed.in_([8, 9]), "jobs_by_seed"),
    ],
)
async def test_ids_and_seeds_are_looked_up_by_an_index(
    condition: sa.ColumnElement[bool], index: str, storage: Storage
) -> None:
    async with storage.database.transaction() as connection:
        on_sqlite = connection.dialect.name == "sqlite"
        if not on_sqlite:  # of an empty table it would rather read everything
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        query = sa.select(jobs.c.id).where(condition)
        sql = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN" if on_sqlite else "EXPLAIN"
        plan = (await connection.exec_driver_sql(f"{explain} {sql}")).all()
    assert index in str(plan)


async def test_jobs_without_an_id_are_found_by_the_time_in_which_they_may_have_been_sent(
    storage: Storage,
) -> None:
    refused = replace(new_job(1), state=State.REFUSED, state_since=START + HOUR)
    waiting = new_job(2)
    cancelled = replace(new_job(3), state=State.CANCELLED, state_since=START + HOUR)
    known = replace(new_job(4), state=State.QUEUED, request_id="req-4")
    undated = replace(new_job(5), state=State.UNCONFIRMED, state_since=None)
    for job in (refused, waiting, cancelled, known, undated):
        await storage.jobs.add(job)
    instant = timedelta(microseconds=1)

    async def found(earliest: datetime, latest: datetime) -> list[int]:
        return sorted(job.id for job in await storage.jobs.without_request(earliest, latest))

    assert await found(START - HOUR, START - instant) == []
    assert await found(START - HOUR, START) == [1, 2, 5]
    assert await found(START + HOUR, START + 3 * HOUR) == [1, 2, 5]
    assert await found(START + HOUR + instant, START + 3 * HOUR) == [2, 5]


async def test_no_job_is_too_long_or_too_odd_to_be_stored(storage: Storage) -> None:
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
    [kept] = stored.request.references
    assert (kept.name, kept.size, kept.seconds) == (clean, 2**70, None)
    assert (stored.request.seed, stored.location.upload_limit) == (2**63 - 1, 2**63 - 1)


async def test_a_job_that_makes_no_sense_leaves_the_others_readable(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    for number in (1, 2, 3):
        await storage.jobs.add(new_job(number))
    async with storage.database.transaction() as connection:
        for statement in (
            "UPDATE jobs SET state = 'dreaming', told = false WHERE id = 1",
            "UPDATE jobs SET reference_list = '[{\"kind\": 7}]' WHERE id = 2",
        ):
            await connection.exec_driver_sql(statement)

    assert [job.id for job in await storage.jobs.unfinished()] == [3]
    assert [job.id for job in await storage.jobs.of_user(1, limit=5)] == [3]
    assert "A row of jobs (1) cannot be read: ValueError" in caplog.text
    assert "fake-token" not in caplog.text


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("broken", ["[{", "[" * 100_000])
async def test_broken_json_leaves_the_other_rows_readable(broken: str, storage: Storage) -> None:
    for number in (1, 2):
        await storage.jobs.add(new_job(number))
    async with storage.database.transaction() as connection:
        await connection.execute(
            sa.text("UPDATE jobs SET reference_list = :broken WHERE id = 1"), {"broken": broken}
        )
    assert [job.id for job in await storage.jobs.unfinished()] == [2]


async def test_which_job_is_a_members_first_is_known_from_the_jobs_before_it(storage: Storage) -> None:
    for job in (new_job(5), new_job(3, user_id=2), new_job(4), replace(new_job(6, 2), state=State.DELIVERED)):
        await storage.jobs.add(job)
    assert {job.id: job.first for job in await storage.jobs.unfinished()} == {
        3: True,
        4: True,
        5: False,
        6: False,
    }
    assert not await storage.jobs.has_earlier(1, 4)
    assert await storage.jobs.has_earlier(1, 5)
    assert not await storage.jobs.has_earlier(3, 7)

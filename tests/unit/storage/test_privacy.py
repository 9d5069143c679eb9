"""What is stored about a member and a server, in both kinds of database: counted, read and erased."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.models.drafts import Draft
from bot.models.jobs import CardLocation, Charge, Job, PendingReply, erased
from bot.models.privacy import StoredData
from bot.models.quotas import LONGEST, Rule, Scope
from bot.models.states import State
from bot.storage.columns import BIGGEST
from bot.storage.privacy.members import ErasureRequest
from bot.storage.privacy.retention import AgeLimits
from bot.storage.schema import jobs
from bot.storage.storage import Storage
from tests.unit.storage.samples import GUILD, START, new_job

ME, OTHER = 1, 2
DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
LIMITS = AgeLimits(content=30 * DAY, server_left=30 * DAY)
FIRST_PLACE = (0, 0)
RESULT = "https://example.invalid/a.mp4"


def done(job_id: int, user_id: int = ME) -> Job:
    job = new_job(job_id, user_id, now=START + job_id * INSTANT)
    return replace(
        job,
        state=State.DELIVERED,
        charge=Charge.SETTLED,
        results=(RESULT,),
        detail="SomeCode",
        acknowledged=True,
        cancelled_by=OTHER,
    )


async def users(storage: Storage) -> list[int]:
    rows = await storage.database.rows(sa.select(jobs.c.user_id).order_by(jobs.c.id), 20.0)
    return [row.user_id for row in rows]


async def test_a_row_is_erased_as_the_model_says_and_only_once(storage: Storage) -> None:
    job, now = done(1), START + 31 * DAY
    await storage.jobs.add(job)
    assert await storage.retention.jobs_before(now - LIMITS.content, FIRST_PLACE) != []
    assert await storage.retention.erase_jobs([1], now) == 1
    assert await storage.jobs.get(1) == replace(erased(job, now), revision=job.revision + 1)
    assert await storage.retention.erase_jobs([1], now) == 0
    assert await storage.retention.jobs_before(now, FIRST_PLACE) == []


async def test_places_go_on_where_the_last_batch_ended(storage: Storage) -> None:
    for job_id in (3, 1, 2):
        await storage.jobs.add(done(job_id))
    places = await storage.retention.jobs_before(START + DAY, FIRST_PLACE)
    assert [job_id for _, job_id in places] == [1, 2, 3]
    assert await storage.retention.jobs_before(START + DAY, places[0]) == places[1:]
    assert await storage.retention.jobs_of(ME, START + 2 * INSTANT, FIRST_PLACE) == places[:2]
    assert await storage.retention.jobs_of(OTHER, START + DAY, FIRST_PLACE) == []
    dead = await storage.retention.jobs_with_dead_tokens(START + DAY, FIRST_PLACE)
    assert [job_id for _, job_id in dead] == [1, 2, 3]
    assert await storage.retention.erase_tokens([1, 2], START + DAY) == 2
    assert len(await storage.retention.jobs_with_dead_tokens(START + DAY, FIRST_PLACE)) == 1


async def is_due(storage: Storage, now: timedelta) -> bool:
    return await storage.retention.is_due(START + now, LIMITS)


async def test_each_kind_becomes_due_when_its_time_has_come(storage: Storage) -> None:
    assert not await is_due(storage, 1000 * DAY)
    await storage.drafts.save(Draft(5, ME, "a fox"), START)
    assert not await is_due(storage, DAY)
    assert await is_due(storage, DAY + INSTANT)
    await storage.retention.erase_small(START + 2 * DAY)
    location = CardLocation(3, GUILD, token="fake-token", token_expires=START)
    await storage.replies.add(PendingReply(9, ME, location))
    assert not await is_due(storage, timedelta())
    assert await is_due(storage, INSTANT)
    await storage.retention.erase_small(START + DAY)
    assert [reply.location.token for reply in await storage.replies.all()] == [None]
    await storage.quotas.save_reset(GUILD, ME, START)
    assert not await is_due(storage, LONGEST - INSTANT)
    assert await is_due(storage, LONGEST)
    await storage.retention.erase_small(START + LONGEST)
    await storage.servers.note_departure(GUILD, START)
    assert not await is_due(storage, 30 * DAY)
    assert await is_due(storage, 30 * DAY + INSTANT)
    await storage.servers.erase(GUILD)
    await storage.members.request_erasure(ME, START)
    assert not await is_due(storage, LONGEST - INSTANT)
    assert await is_due(storage, LONGEST)
    await storage.members.forget(ErasureRequest(ME, START), START + LONGEST)
    assert not await is_due(storage, 1000 * DAY)
    await storage.jobs.add(done(1))
    await storage.retention.erase_tokens([1], START + DAY)
    assert not await is_due(storage, 30 * DAY)
    assert await is_due(storage, 30 * DAY + 2 * INSTANT)
    await storage.members.request_erasure(ME, START + DAY)
    assert await is_due(storage, DAY)


async def test_what_is_stored_about_a_member_is_counted(storage: Storage) -> None:
    assert await storage.members.count(ME) == StoredData()
    await storage.jobs.add(done(1))
    await storage.jobs.add(new_job(2))
    await storage.jobs.add(done(3))
    await storage.jobs.add(done(4, OTHER))
    await storage.drafts.save(Draft(5, ME, "a fox"), START)
    await storage.quotas.save_rule(GUILD, Scope.MEMBER, ME, Rule(3, None))
    await storage.quotas.save_rule(GUILD, Scope.ROLE, ME, Rule(3, None))  # a role of the same number
    await storage.retention.erase_jobs([3], START)
    expected = StoredData(2, 1, START, counted=1, drafts=1, rules=1)
    assert await storage.members.count(ME) == expected


async def test_everything_of_a_member_is_read_but_no_secret(storage: Storage) -> None:
    for job_id in (1, 2, 3):
        await storage.jobs.add(done(job_id))
    await storage.jobs.add(done(4, OTHER))
    found: list[dict[str, Any]] = await storage.members.jobs_newest_first(ME, (BIGGEST, BIGGEST), 2)
    assert [row["id"] for row in found] == [3, 2]
    assert not {"token", "token_expires"} & set(found[0])
    assert (found[0]["prompt"], found[0]["results"]) == ("a fox 🦊\nin the snow", [RESULT])
    last = (found[-1]["created_at"], found[-1]["id"])
    assert [row["id"] for row in await storage.members.jobs_newest_first(ME, last, 2)] == [1]
    await storage.drafts.save(Draft(5, ME, "a fox"), START)
    await storage.drafts.save(Draft(6, OTHER, "a cat"), START)
    assert [row["id"] for row in (await storage.members.other_rows(ME))["drafts"]] == [5]


async def test_a_request_stays_until_nothing_names_the_member(storage: Storage) -> None:
    await storage.jobs.add(done(1))
    await storage.jobs.add(new_job(2))
    await storage.jobs.add(done(3, OTHER))
    await storage.drafts.save(Draft(5, ME, "a fox"), START)
    await storage.members.request_erasure(ME, START + DAY)
    await storage.members.request_erasure(ME, START + DAY)
    assert await storage.drafts.get(5) is None
    (request,) = await storage.members.erasure_requests()
    assert request == ErasureRequest(ME, START + DAY)
    await storage.retention.erase_jobs([1, 2], START + DAY)
    end = START + DAY + LONGEST
    assert await storage.members.forget(request, end - INSTANT) == 0
    assert await users(storage) == [ME, ME, OTHER]
    assert await storage.members.forget(request, end) == 1
    assert await users(storage) == [0, ME, OTHER]  # the second one still runs
    assert await storage.members.erasure_requests() == [request]
    await storage.database.write(
        20.0, jobs.update().where(jobs.c.id == 2).values(state="failed", told=True, charge="refunded")
    )
    await storage.retention.erase_jobs([2], end)
    assert await storage.members.forget(request, end) == 1
    assert await users(storage) == [0, 0, OTHER]
    assert await storage.members.erasure_requests() == []


async def test_a_departure_keeps_its_first_moment_and_ends_with_a_return(storage: Storage) -> None:
    servers = storage.servers
    await servers.note_departure(GUILD, START)
    await servers.note_departure(GUILD, START + DAY)
    assert await servers.left_before(START + INSTANT) == [GUILD]
    assert await servers.left_before(START) == []
    await servers.cancel_departures({GUILD, 99})
    assert await servers.left_before(START + DAY) == []


async def test_the_rules_of_one_server_go_and_no_others(storage: Storage) -> None:
    other = GUILD + 1
    for guild_id in (GUILD, other):
        await storage.quotas.save_rule(guild_id, Scope.SERVER, None, Rule(3, None))
        await storage.quotas.save_reset(guild_id, ME, START)
    assert await storage.servers.known() == {GUILD, other}
    await storage.servers.erase(GUILD)
    assert await storage.servers.known() == {other}
    assert [stored.guild_id for stored in await storage.quotas.rules()] == [other]
    assert [reset.guild_id for reset in await storage.quotas.resets(START - timedelta(days=1))] == [other]


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
async def test_postgres_frees_what_is_dead_by_itself(storage: Storage) -> None:
    storage.compaction.request()
    assert not storage.compaction.wanted
    assert not storage.compaction.soon.is_set()
    assert await storage.compaction.compact()

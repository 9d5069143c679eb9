"""The service of jobs stops in good order, and the next process goes on where it stopped."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.jobs.new_jobs import ShuttingDown
from bot.jobs.service import GRACE
from bot.models.jobs import CardLocation, Job, PendingReply
from bot.models.states import State
from bot.storage.jobs import JobStore
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from tests.unit.jobs.service import Service, running
from tests.unit.jobs.stage import (
    GUILD,
    JOB,
    MEMBER,
    StillClock,
)


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
    while GRACE not in service.clock.waits:
        await service.stored()
    assert not stopping.done()
    service.clock.advance(timedelta(seconds=GRACE))
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

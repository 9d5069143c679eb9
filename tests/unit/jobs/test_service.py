"""The service of jobs: what a start takes, stores and gives back."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.jobs.cancellation import CancelResult
from bot.jobs.submission.starter import DuplicateRequest
from bot.models.jobs import CardLocation, Charge, Job, PendingReply
from bot.models.quotas import QuotaExceeded, Rule, Scope
from bot.models.states import Reason, State
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageFault, StorageUnavailable
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Outcome
from tests.unit.jobs.service import PLACES, Service, running
from tests.unit.jobs.stage import (
    GUILD,
    JOB,
    MEMBER,
    START,
    StillClock,
    new_job,
)


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


async def test_a_post_whose_answer_was_lost_is_found_and_never_sent_again(
    service: Service, cloud: GmiCloud
) -> None:
    cloud.fault("POST", "/requests", script.RESET_AFTER)
    await service.jobs.start(service.submission())
    job = await service.reach(State.QUEUED)
    assert (job.request_id, cloud.paid) == (cloud.posts[0].request_id, 1)


@pytest.mark.parametrize(("seconds", "notified"), [(30, [State.DELIVERED]), (600, [])])
async def test_who_had_to_wait_longer_than_that_is_notified(
    seconds: int, notified: list[State], database_url: str, cloud: GmiCloud, still: StillClock
) -> None:
    async with running(database_url, cloud, still, notify_after=timedelta(seconds=seconds)) as service:
        await service.jobs.start(service.submission())
        await service.follow()
        while service.jobs.has(JOB):
            await service.stored()
        assert service.delivery.notified == notified


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
    await service.jobs.start(service.submission(seconds=5))
    with pytest.raises(QuotaExceeded):
        await service.jobs.start(service.submission(JOB + 1, seconds=5))
    assert await service.storage.jobs.get(JOB + 1) is None
    assert not service.jobs.has(JOB + 1)
    service.clock.advance(timedelta(days=1, seconds=1))
    assert (await service.jobs.start(service.submission(JOB + 1, seconds=5))).id == JOB + 1


async def test_a_role_counts_for_a_request(service: Service) -> None:
    service.quotas.rules.set(GUILD, Scope.SERVER, None, Rule(0, None))
    service.quotas.rules.set(GUILD, Scope.ROLE, 5, Rule(1, None))
    await service.jobs.start(replace(service.submission(), role_ids=(5,)))
    with pytest.raises(QuotaExceeded):
        await service.jobs.start(service.submission(JOB + 1))


async def test_a_start_that_cannot_be_stored_gives_back_what_it_took(
    service: Service, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, written = JobStore.add, []

    async def lose_the_answer(self: JobStore, job: Job, *limits: Any) -> bool:
        written.append(await add(self, job, *limits))
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


async def test_the_same_interaction_twice_at_the_same_moment_starts_one_job(
    service: Service, cloud: GmiCloud
) -> None:
    both = [service.jobs.start(service.submission()) for _ in range(2)]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(first, Job)
    assert isinstance(second, DuplicateRequest)
    await service.reach(State.QUEUED)
    assert (cloud.paid, service.used()) == (1, (1, 1))

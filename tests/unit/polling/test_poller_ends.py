"""Jobs whose end lacks its reason or its link: what is missing is asked for."""

from __future__ import annotations

import pytest

from bot.gmi.schemas import RequestStatus
from bot.models.states import Reason, State
from fakes.gmi import script
from fakes.gmi.cloud import Timing
from fakes.gmi.script import Outcome
from tests.unit.polling.rig import Rig, name

PROCESSING, SUCCEEDED, FAILED = State.PROCESSING, State.SUCCEEDED, State.FAILED


async def test_a_reason_that_the_list_does_not_give_is_asked_for(rig: Rig) -> None:
    rig.cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False), times=2)
    jobs = [await rig.submit(), await rig.submit()]
    await rig.advance(120)
    for job in jobs:
        assert rig.states(job) == [PROCESSING, FAILED]
    assert {update.status.reason for update in rig.updates[2:] if update.status} == {Reason.POLICY}
    assert all(rig.asked()[name(job)] == 1 for job in jobs)


async def test_a_reason_that_cannot_be_asked_for_is_given_up_at_the_deadline(rig: Rig) -> None:
    rig.cloud.outcome(Outcome("failed", {"error": "AuditSubmitIllegal"}, listed_end=False))
    job, other = await rig.submit(deadline=100), await rig.submit()
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    await rig.advance(99)
    assert rig.states(job) == [PROCESSING]
    await rig.advance(1)
    assert rig.states(job) == [PROCESSING, FAILED]
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.reason is None
    assert rig.states(other)[-1] is SUCCEEDED


async def test_what_a_single_question_tells_after_a_failure_without_a_reason_is_final(rig: Rig) -> None:
    job = await rig.submit(track=False)
    rig.track(job, 30, unexplained=RequestStatus(name(job), FAILED))
    await rig.advance(0)
    assert rig.asked() == {name(job): 1}  # at once
    await rig.advance(40)
    assert rig.states(job) == [PROCESSING, None]  # and no failure at its deadline


async def test_an_unknown_word_of_a_single_question_is_not_final(rig: Rig) -> None:
    job = await rig.submit(track=False)
    odd = script.answer(200, {"request_id": name(job), "status": "who knows"})
    rig.cloud.fault("GET", "/requests/*", odd.repeated(None))
    rig.track(job, 30, unexplained=RequestStatus(name(job), FAILED))
    await rig.advance(40)
    assert rig.states(job) == [FAILED]


@pytest.mark.parametrize("number", [1, 2])
async def test_a_link_that_comes_later_is_waited_for(number: int, rig: Rig) -> None:
    rig.cloud.outcome(Outcome(link_after=20), times=number)
    jobs = [await rig.submit() for _ in range(number)]
    await rig.advance(75)
    assert all(rig.states(job) == [PROCESSING, SUCCEEDED] for job in jobs)
    assert not any(update.status and update.status.results for update in rig.updates)
    before = rig.seen
    await rig.advance(30)
    assert all(rig.states(job) == [PROCESSING, SUCCEEDED, SUCCEEDED] for job in jobs)
    assert rig.updates[-1].status is not None
    assert rig.updates[-1].status.results
    assert set(rig.asked(before)) == {name(job) for job in jobs}
    assert all(7 <= rig.asked(before)[name(job)] <= 16 for job in jobs)


@pytest.mark.parametrize("others", [0, 2])
async def test_a_missing_link_is_asked_for_twice_a_second_at_first(others: int, rig: Rig) -> None:
    rig.cloud.outcome(Outcome(link_after=20))
    rig.cloud.timing = Timing(queued=2, processing=10)
    job = await rig.submit()
    rig.cloud.timing = Timing(queued=1000, processing=10)
    for _ in range(others):
        await rig.submit()
    while SUCCEEDED not in rig.states(job):
        await rig.advance(0.1)
    before = rig.seen
    await rig.advance(2.9)
    assert 5 <= rig.asked(before)[name(job)] <= 6
    await rig.advance(7)
    assert rig.asked(before)[name(job)] <= 10  # less often later


async def test_a_list_may_still_give_the_link_of_a_job_that_is_asked_about_alone(rig: Rig) -> None:
    rig.cloud.outcome(Outcome(link_after=20))
    job = await rig.submit()
    rig.cloud.timing = Timing(queued=10, processing=300)
    others = [await rig.submit(), await rig.submit()]
    rig.cloud.fault("GET", f"/requests/{name(job)}", script.HTML_PAGE.repeated(None))
    await rig.advance(160)
    assert rig.states(job) == [PROCESSING, SUCCEEDED, SUCCEEDED]
    assert rig.states(others[0]) == [PROCESSING]

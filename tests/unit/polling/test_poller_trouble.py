"""Trouble inside the poller: a round that breaks off loses nothing, and one job harms no other."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bot.models.states import State
from bot.polling.poller import StatusUpdate
from bot.polling.schedule.estimator import DurationEstimator
from fakes.gmi.cloud import Timing
from tests.unit.polling.rig import Rig, name, rigged

PROCESSING, SUCCEEDED = State.PROCESSING, State.SUCCEEDED


async def test_polling_that_begins_anew_loses_no_job(rig: Rig) -> None:
    jobs = [await rig.submit() for _ in range(3)]
    for _ in range(30):
        await rig.advance(3)
        await rig.begin()
    await rig.advance(60)
    for job in jobs:
        assert rig.states(job) == [PROCESSING, SUCCEEDED]


@pytest.mark.parametrize(
    ("broken", "number"),
    [
        ("request_list.ListSchedule.is_usable", 3),
        ("request_list.ListSchedule.plan", 3),
        ("questions.Questions.status", 1),
        ("questions.Questions.requests", 3),
    ],
)
async def test_a_round_that_breaks_off_loses_no_job(
    broken: str, number: int, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [await rig.submit(deadline=30) for _ in range(number)]

    def breaks(*_: object) -> bool:
        raise RuntimeError("for this test")

    with monkeypatch.context() as patched:
        patched.setattr(f"bot.polling.{broken}", breaks)
        with pytest.raises(RuntimeError):
            await rig.advance(10)
    await rig.begin()
    await rig.advance(120)
    for job in jobs:
        assert rig.states(job) == [PROCESSING, None, SUCCEEDED]


async def test_polling_that_begins_anew_asks_no_more_than_before(rig: Rig) -> None:
    rig.cloud.timing = Timing(queued=1000, processing=60)
    late, other = await rig.submit(deadline=1), await rig.submit()
    await rig.advance(10)
    assert rig.states(late) == [None]
    before = rig.seen
    await rig.begin()
    await rig.advance(0)
    assert rig.asked(before) == {}
    await rig.advance(10)
    assert set(rig.asked(before)) == {"requests"}
    rig.poller.drop(other.id)
    await rig.advance(10)
    before = rig.seen
    await rig.begin()
    await rig.advance(0.5)
    assert rig.asked(before) == {}


async def test_trouble_in_the_middle_of_a_round_keeps_the_budget_and_what_was_found() -> None:
    class Full(list[StatusUpdate]):
        def append(self, update: StatusUpdate, /) -> None:
            raise RuntimeError("for this test")

    async with rigged(per_minute=6) as rig:
        rig.cloud.timing = Timing(queued=0, processing=60)
        jobs = [await rig.submit() for _ in range(3)]
        rig.updates = Full()
        with pytest.raises(RuntimeError):
            await rig.advance(2)
        rig.updates, before = [], rig.seen
        await rig.begin()
        await rig.advance(0)
        assert [rig.states(job) for job in jobs[1:]] == [[PROCESSING], [PROCESSING]]
        await rig.advance(9.9)
        assert rig.asked(before) == {}
        await rig.advance(10)
        assert rig.asked(before).total() == 1


async def test_trouble_with_one_job_is_its_own(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = [await rig.submit(), await rig.submit()]
    learn, left = DurationEstimator.learn, 1

    def chokes(self: DurationEstimator, *taken: Any) -> None:
        nonlocal left
        if left:
            left -= 1
            raise RuntimeError("for this test")
        learn(self, *taken)

    monkeypatch.setattr(DurationEstimator, "learn", chokes)
    with caplog.at_level(logging.ERROR):
        await rig.advance(72)
        [line] = [record.getMessage() for record in caplog.records]
        assert line == f"Job {jobs[0].id}: what GMI Cloud said of it could not be taken"
        assert rig.states(jobs[1]) == [PROCESSING, SUCCEEDED]
        await rig.advance(31)
    assert rig.states(jobs[0])[-1] is SUCCEEDED


async def test_a_job_with_trouble_is_asked_about_again_after_a_while(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await rig.submit()
    await rig.advance(11)
    assert rig.states(job) == [PROCESSING]

    def chokes(*_: object) -> None:
        raise RuntimeError("for this test")

    with monkeypatch.context() as broken:
        broken.setattr(DurationEstimator, "learn", chokes)
        await rig.advance(70)
    before = rig.seen
    await rig.advance(30)
    assert rig.asked(before)[name(job)] == 1
    assert rig.states(job)[-1] is SUCCEEDED

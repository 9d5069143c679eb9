"""The budget of requests a minute: it is kept, and goes to who needs it most."""

from __future__ import annotations

import pytest

from bot.gmi.rate import Traffic
from bot.models.requests import MODEL
from fakes.gmi.cloud import Timing
from tests.unit.polling.rig import name, rigged


async def test_the_budget_is_kept_and_everyone_has_a_turn() -> None:
    async with rigged(per_minute=12) as rig:
        rig.cloud.timing = Timing(queued=3, processing=600)
        rig.cloud.list_mode = "missing"
        jobs = [await rig.submit() for _ in range(10)]
        for _ in range(3):
            before = rig.seen
            await rig.advance(60)
            assert 11 <= rig.asked(before).total() <= 13
        before = rig.seen
        await rig.advance(180)
        assert all(rig.asked(before)[name(job)] >= 2 for job in jobs)


@pytest.mark.parametrize(("per_minute", "together"), [(30, 1), (60, 1), (120, 2), (6000, 50)])
async def test_a_seconds_worth_of_questions_goes_out_together(per_minute: int, together: int) -> None:
    async with rigged(per_minute=per_minute) as rig:
        rig.cloud.timing = Timing(queued=1000, processing=60)
        rig.cloud.list_mode = "missing"
        for _ in range(together + 5):
            await rig.submit()
        await rig.advance(2)
        assert rig.asked()["requests"] == 1
        assert rig.asked().total() == 1 + together
        await rig.advance(60 / per_minute * (1 + together) - 0.001)
        assert rig.asked().total() == 1 + together
        await rig.advance(0.002)
        assert rig.asked().total() == 1 + together + min(together, 5)


async def test_the_budget_goes_to_those_most_likely_finished() -> None:
    async with rigged(per_minute=6) as rig:
        for _ in range(50):
            rig.estimator.learn(MODEL, 5, 180)
        rig.cloud.timing = Timing(queued=3, processing=900)
        rig.cloud.list_mode = "missing"
        older = [await rig.submit() for _ in range(3)]
        await rig.advance(150)
        younger = [await rig.submit() for _ in range(3)]
        before = rig.seen
        await rig.advance(120)
        asked = rig.asked(before)
        assert min(asked[name(job)] for job in older) > max(asked[name(job)] for job in younger)


async def test_a_deadline_comes_before_everything_else() -> None:
    async with rigged(per_minute=1) as rig:
        rig.cloud.timing = Timing(queued=1000, processing=60)
        rig.cloud.list_mode = "missing"
        others = [await rig.submit() for _ in range(5)]
        late = await rig.submit(deadline=30)
        await rig.advance(121.9)
        assert rig.asked().total() == 2  # the list, and one of them
        await rig.advance(0.1)
        assert rig.states(late).count(None) == 1
        assert sum(rig.asked()[name(job)] for job in others) == 1


async def test_processes_that_live_share_the_budget() -> None:
    async with rigged(per_minute=60) as rig:
        rig.processes = 3
        for _ in range(8):
            await rig.submit()
        before = rig.seen
        await rig.advance(600)
        assert 0 < rig.seen - before <= 600 / 3 + 1


async def test_during_a_pause_nothing_is_asked_and_a_deadline_is_told_all_the_same() -> None:
    async with rigged() as rig:
        job = await rig.submit(deadline=60)
        rig.rate.pause(Traffic.QUESTIONS, 600)
        before = rig.seen
        await rig.advance(300)
        assert rig.seen == before
        assert rig.states(job) == [None]
        await rig.advance(400)
        assert rig.seen > before

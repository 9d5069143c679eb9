"""What was learned is kept over restarts: written seldom, and read only where it makes sense."""

from __future__ import annotations

import logging

import pytest

from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.schedule.history import NOTE, EstimatorHistory
from bot.storage.storage import StorageUnavailable
from tests.unit.polling.rig import VirtualClock

KIND = ("vidu-q2-pro-r2v", 5)


class Notes:
    """Keeps notes, as the storage does; counts how often it was asked to, and fails if told so."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.writes = 0
        self.fails = False

    async def get(self, name: str) -> str | None:
        return self.kept.get(name)

    async def save(self, name: str, value: str) -> None:
        self.writes += 1
        if self.fails:
            raise StorageUnavailable("for this test")
        self.kept[name] = value


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def taught(*seconds: float) -> DurationEstimator:
    estimator = DurationEstimator()
    for taken in seconds:
        estimator.learn(*KIND, taken)
    return estimator


async def test_what_was_learned_comes_back(notes: Notes, clock: VirtualClock) -> None:
    estimator = DurationEstimator()
    history = EstimatorHistory(notes, estimator, clock)
    await history.restore()
    for _ in range(5):
        estimator.learn(*KIND, 60)
    await history.save()
    again = DurationEstimator()
    await EstimatorHistory(notes, again, clock).restore()
    assert again.expected(*KIND) != DurationEstimator().expected(*KIND)
    assert again.dump() == estimator.dump()


async def test_it_is_written_once_a_minute_at_most(notes: Notes, clock: VirtualClock) -> None:
    estimator = taught(60)
    history = EstimatorHistory(notes, estimator, clock)
    await history.save()
    assert notes.writes == 0  # nothing is new since the beginning
    estimator.learn(*KIND, 60)
    clock.pass_time(59)
    await history.save()
    assert notes.writes == 0
    clock.pass_time(1)
    await history.save()
    assert (notes.writes, notes.kept[NOTE]) == (1, estimator.dump())
    clock.pass_time(60)
    await history.save()
    assert notes.writes == 1
    estimator.learn(*KIND, 60)
    await history.save()
    assert notes.writes == 1
    await history.save(at_once=True)
    assert (notes.writes, notes.kept[NOTE]) == (2, estimator.dump())


async def test_the_first_change_is_written_at_once(notes: Notes, clock: VirtualClock) -> None:
    estimator = DurationEstimator()
    history = EstimatorHistory(notes, estimator, clock)
    estimator.learn(*KIND, 60)
    await history.save()
    assert notes.writes == 1


async def test_what_came_back_is_not_written_again(notes: Notes, clock: VirtualClock) -> None:
    notes.kept[NOTE] = taught(60).dump()
    history = EstimatorHistory(notes, DurationEstimator(), clock)
    await history.restore()
    await history.save(at_once=True)
    assert notes.writes == 0


@pytest.mark.parametrize("note", ["", "no json", "[[]]", "{}", '[["m", 5, 1.0, NaN, 0.0]]', "[" * 20_000])
async def test_a_note_that_makes_no_sense_is_ignored_and_said(
    note: str, notes: Notes, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    notes.kept[NOTE] = note
    estimator = DurationEstimator()
    history = EstimatorHistory(notes, estimator, clock)
    await history.restore()
    assert "What was learned about durations is lost" in caplog.text
    assert estimator.dump() == "[]"
    estimator.learn(*KIND, 60)
    await history.save()
    assert notes.kept[NOTE] == estimator.dump()


async def test_without_a_note_nothing_is_said(
    notes: Notes, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await EstimatorHistory(notes, DurationEstimator(), clock).restore()
    assert caplog.text == ""


async def test_what_the_storage_refuses_is_written_later(
    notes: Notes, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    estimator = DurationEstimator()
    history = EstimatorHistory(notes, estimator, clock)
    estimator.learn(*KIND, 60)
    notes.fails = True
    with caplog.at_level(logging.WARNING):
        await history.save()
    assert "is not saved yet (for this test)" in caplog.text
    notes.fails = False
    await history.save()
    assert notes.writes == 1
    clock.pass_time(60)
    await history.save()
    assert notes.kept[NOTE] == estimator.dump()

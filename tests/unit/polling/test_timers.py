from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.polling.schedule.timers import SLACK, TimerQueue

START = datetime(2026, 1, 1, tzinfo=UTC)

steps = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "take"]), st.integers(0, 9), st.integers(0, 50)), max_size=200
)


@given(steps)
def test_it_does_what_a_look_at_everything_would(steps: list[tuple[str, int, int]]) -> None:
    timers, plain = TimerQueue(), dict[int, datetime]()
    for step, key, seconds in steps:
        moment = START + timedelta(seconds=seconds)
        if step == "put":
            timers.put(key, moment)
            plain[key] = moment
        elif step == "remove":
            timers.remove(key)
            plain.pop(key, None)
        else:
            expected = sorted((due, key) for key, due in plain.items() if due <= moment)
            assert timers.take_due(moment) == [key for _, key in expected]
            plain = {key: due for key, due in plain.items() if due > moment}
        assert timers.next() == min(plain.values(), default=None)
        assert len(timers) == len(plain)


def test_a_key_has_one_moment_and_is_known_until_it_is_taken() -> None:
    timers = TimerQueue()
    assert timers.next() is None
    timers.put(1, START)
    timers.put(1, START + timedelta(seconds=5))
    assert 1 in timers
    assert 2 not in timers
    assert timers.next() == START + timedelta(seconds=5)
    assert timers.take_due(START + timedelta(seconds=4)) == []
    assert timers.take_due(START + timedelta(seconds=5)) == [1]
    assert 1 not in timers
    assert len(timers) == 0


def test_outdated_moments_do_not_pile_up() -> None:
    timers = TimerQueue()
    for second in range(10_000):
        timers.put(1, START + timedelta(seconds=second))
    assert len(timers) == 1
    assert len(pickle.dumps(timers)) < 20 * (SLACK + 2)

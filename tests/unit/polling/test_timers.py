from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.polling.timers import SLACK, Agenda

START = datetime(2026, 1, 1, tzinfo=UTC)

steps = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "take"]), st.integers(0, 9), st.integers(0, 50)), max_size=200
)


@given(steps)
def test_it_does_what_a_look_at_everything_would(steps: list[tuple[str, int, int]]) -> None:
    agenda, plain = Agenda(), dict[int, datetime]()
    for step, key, seconds in steps:
        moment = START + timedelta(seconds=seconds)
        if step == "put":
            agenda.put(key, moment)
            plain[key] = moment
        elif step == "remove":
            agenda.remove(key)
            plain.pop(key, None)
        else:
            expected = sorted((due, key) for key, due in plain.items() if due <= moment)
            assert agenda.take_due(moment) == [key for _, key in expected]
            plain = {key: due for key, due in plain.items() if due > moment}
        assert agenda.next() == min(plain.values(), default=None)
        assert len(agenda) == len(plain)


def test_outdated_moments_do_not_pile_up() -> None:
    agenda = Agenda()
    for second in range(10_000):
        agenda.put(1, START + timedelta(seconds=second))
    assert len(agenda._heap) <= SLACK + 2

"""What counts as the same click again, and what is remembered of actions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.intake.repeats import MOMENT, RecentActions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def test_the_same_action_of_the_same_member_within_a_moment_names_the_first() -> None:
    actions = RecentActions()
    assert actions.take(1, "again 7", 100, NOW) is None
    assert actions.take(1, "again 7", 101, NOW) == 100
    assert actions.take(1, "again 7", 100, NOW) == 100
    assert actions.take(2, "again 7", 102, NOW) is None
    assert actions.take(1, "again 8", 103, NOW) is None


def test_a_nervous_finger_does_not_make_the_moment_longer() -> None:
    actions = RecentActions()
    assert actions.take(1, "again 7", 100, NOW) is None
    assert actions.take(1, "again 7", 101, NOW + MOMENT - INSTANT) == 100
    assert actions.take(1, "again 7", 102, NOW + MOMENT) is None
    assert actions.take(1, "again 7", 103, NOW + MOMENT + INSTANT) == 102


def test_nothing_is_remembered_longer_than_a_moment() -> None:
    actions = RecentActions()
    for number in range(1000):
        actions.take(number, "again 7", number, NOW + number * MOMENT / 10)
    assert len(actions) <= 10

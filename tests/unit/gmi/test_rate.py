"""How fast GMI Cloud may be asked, alone and with others, and pauses that it asks for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.gmi.errors import GmiError, SubmitOutcome, read_error, submit_error
from bot.gmi.rate import RequestRate, Traffic
from bot.models.states import Reason
from tests.unit.storage.samples import FixedClock

HEADERS = {"retry-after": "30"}


@pytest.mark.parametrize(
    ("per_minute", "processes", "seconds", "together"),
    [(300, 1, 0.2, 5), (300, 3, 0.6, 1), (1, 3, 180.0, 1), (6000, 2, 0.02, 50)],
)
def test_processes_share_what_the_operator_allows(
    per_minute: int, processes: int, seconds: float, together: int
) -> None:
    alive = 1
    rate = RequestRate(FixedClock(), per_minute, lambda: alive)
    assert rate.seconds_a_request == 60 / per_minute
    alive = processes
    assert rate.seconds_a_request == pytest.approx(seconds)
    assert rate.a_second == together


def test_alone_a_rate_limit_is_the_matter_of_one_job() -> None:
    rate = RequestRate(FixedClock(), 300)
    rate.met(Traffic.QUESTIONS, read_error(429, b"", HEADERS))
    assert rate.pause_left(Traffic.QUESTIONS) == 0


@pytest.mark.parametrize(
    ("error", "announced"),
    [
        (read_error(429, b"", HEADERS), [30.0]),
        (submit_error(429, b"", HEADERS), [30.0]),
        (read_error(429, b"", {}), []),
        (read_error(503, b"", HEADERS), []),
        (GmiError(SubmitOutcome.NOT_SENT, Reason.UNREACHABLE, "too large", retry_after=900.0), []),
    ],
)
def test_with_others_a_pause_that_gmi_asked_for_is_kept_and_announced(
    error: GmiError, announced: list[float]
) -> None:
    clock, told = FixedClock(), list[float]()
    rate = RequestRate(clock, 300, lambda: 2)
    rate.share_pauses(lambda _, seconds: told.append(seconds))
    rate.met(Traffic.QUESTIONS, error)
    assert told == announced
    assert rate.pause_left(Traffic.QUESTIONS) == sum(announced)
    assert rate.pause_left(Traffic.SUBMITS) == 0
    rate.pause(Traffic.QUESTIONS, 10.0)
    assert rate.pause_left(Traffic.QUESTIONS) == max([10.0, *announced])
    clock.moment += timedelta(seconds=31)
    assert rate.pause_left(Traffic.QUESTIONS) == 0

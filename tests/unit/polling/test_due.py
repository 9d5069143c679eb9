"""Which jobs are due: each once, none that was dropped, and none is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.models.states import State
from bot.polling.schedule.due import DueRequests
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.tracked import TrackedRequest
from tests.unit.polling.rig import EPOCH, VirtualClock, job_of

NOW, SOON, LATER = (EPOCH + timedelta(seconds=seconds) for seconds in (0, 30, 3600))


@pytest.fixture
def due() -> DueRequests:
    return DueRequests(VirtualClock(), DurationEstimator())


def tracked(number: int = 1, *, deadline: datetime = LATER, in_list: bool | None = None) -> TrackedRequest:
    request = TrackedRequest.begin(job_of(number), deadline, NOW, found=False)
    request.in_list = in_list
    return request


def taken(due: DueRequests) -> list[int]:
    return sorted(request.job.id for request in due.take_most_urgent(99))


def test_a_job_is_due_once_when_its_moment_has_come(due: DueRequests) -> None:
    request = tracked()
    due.wake_at(1, SOON)
    due.collect({1: request}, NOW)
    assert (request in due, due.next(NOW)) == (False, SOON)
    due.collect({1: request}, SOON)
    assert (request in due, due.next(SOON)) == (True, SOON)
    assert taken(due) == [1]
    assert (request in due, due.next(SOON)) == (False, None)


def test_a_job_that_was_dropped_is_due_no_more(due: DueRequests) -> None:
    due.wake_now(tracked(1))
    due.wake_at(2, NOW)
    due.remove(1)
    due.remove(2)
    due.collect({}, SOON)
    assert taken(due) == []
    assert due.next(SOON) is None


def test_a_job_that_is_due_at_once_loses_its_later_moment(due: DueRequests) -> None:
    request = tracked()
    due.wake_at(1, SOON)
    due.wake_now(request)
    assert taken(due) == [1]
    due.collect({1: request}, SOON)
    assert taken(due) == []


def test_what_the_list_serves_is_woken_by_its_deadline_only(due: DueRequests) -> None:
    request = tracked(in_list=True)
    due.schedule(request, NOW, 0.0)
    assert due.next(NOW) == LATER
    request.deadline = None  # it was reported
    due.schedule(request, NOW, 0.0)
    assert due.next(NOW) is None


def test_a_job_at_its_deadline_is_not_due_a_second_time_at_once(due: DueRequests) -> None:
    due.schedule(tracked(deadline=SOON), SOON, 0.0)
    moment = due.next(SOON)
    assert moment is not None
    assert moment > SOON


@pytest.mark.parametrize("at_least", [0.0, 60.0])
def test_a_job_waits_for_its_interval_or_for_as_long_as_gmi_wants(at_least: float, due: DueRequests) -> None:
    due.schedule(tracked(), NOW, at_least)
    assert due.next(NOW) == NOW + timedelta(seconds=max(2.0, at_least))
    due.schedule(tracked(deadline=SOON), NOW, at_least)
    assert due.next(NOW) == min(NOW + timedelta(seconds=max(2.0, at_least)), SOON)


@pytest.mark.parametrize(("in_list", "woken"), [(None, True), (False, True), (True, False)])
def test_a_job_that_nothing_would_wake_is_not_forgotten(
    in_list: bool | None, woken: bool, due: DueRequests
) -> None:
    request = tracked(in_list=in_list)
    due.collect_forgotten({1: request})
    assert (request in due) is woken
    assert taken(due) == ([1] if woken else [])


def test_a_job_that_has_its_moment_is_not_woken_before(due: DueRequests) -> None:
    request = tracked()
    due.wake_at(1, SOON)
    due.collect_forgotten({1: request})
    assert (request in due, due.next(NOW)) == (False, SOON)


def test_a_lost_post_is_never_asked_about_singly(due: DueRequests) -> None:
    lost = TrackedRequest.begin(job_of(1, State.SUBMITTING, request_id=None), LATER, NOW, found=False)
    due.wake_now(lost)
    due.wake_now(tracked(2))
    assert due.has_lost
    assert taken(due) == [2]
    assert (lost in due, due.has_lost) == (True, True)

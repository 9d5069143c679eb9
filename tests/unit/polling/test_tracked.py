"""One tracked job: what is learned from its sightings, and when it is to be asked about again."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.gmi.schemas import RequestStatus
from bot.models.jobs import Job
from bot.models.states import State
from bot.polling.schedule.estimator import DurationEstimator
from bot.polling.tracked import GAP_MAX, TrackedRequest
from tests.unit.polling.rig import EPOCH, job_of

NOBODY_KNOWS = DurationEstimator()
UNEXPLAINED = RequestStatus("r", State.FAILED)


def at(seconds: float) -> datetime:
    return EPOCH + timedelta(seconds=seconds)


def tracked(job: Job, now: float = 0.0, *, found: bool = False, deadline: float = 3600.0) -> TrackedRequest:
    return TrackedRequest.begin(job, at(deadline), at(now), found=found)


def test_a_job_in_line_waits_from_its_beginning() -> None:
    request = tracked(job_of(), now=40)
    assert request.interval(NOBODY_KNOWS, at(40)) == 5
    assert request.interval(NOBODY_KNOWS, at(130)) == 10
    assert (request.in_list, request.alone) == (None, False)


def test_the_time_in_line_counts_from_the_beginning_of_the_job_not_of_its_state() -> None:
    job = replace(job_of(), state_since=at(100))
    assert tracked(job, now=125).interval(NOBODY_KNOWS, at(125)) == 10


def test_a_lost_post_is_searched_for_from_now_on() -> None:
    request = tracked(job_of(request_id=None, state=State.SUBMITTING), now=500)
    assert request.request_id is None
    assert request.interval(NOBODY_KNOWS, at(559)) == 5
    assert request.interval(NOBODY_KNOWS, at(561)) == 600


def test_an_overdue_job_is_asked_about_rarely() -> None:
    assert tracked(job_of(state=State.OVERDUE)).interval(NOBODY_KNOWS, at(1)) == 600


def test_a_missing_link_is_waited_for_since_the_success() -> None:
    job = replace(job_of(state=State.SUCCEEDED), state_since=at(100))
    request = tracked(job, now=110)
    assert request.interval(NOBODY_KNOWS, at(102)) == 0.5
    assert request.interval(NOBODY_KNOWS, at(110)) == 2
    assert (request.in_list, request.alone) == (False, True)


def test_a_failure_without_a_reason_is_asked_about_alone() -> None:
    request = TrackedRequest.begin(job_of(), at(60), at(0), found=False, unexplained=UNEXPLAINED)
    assert (request.in_list, request.alone, request.unexplained) == (False, True, UNEXPLAINED)


def test_a_clock_that_went_back_counts_as_no_time() -> None:
    assert tracked(job_of()).interval(NOBODY_KNOWS, at(-3600)) == 2
    lost = tracked(job_of(request_id=None, state=State.SUBMITTING))
    assert lost.interval(NOBODY_KNOWS, at(-3600)) == 5


def test_processing_is_measured_between_the_middles_of_its_gaps() -> None:
    request = tracked(job_of())
    assert request.observe(State.QUEUED, at(4)) is None
    assert request.observe(State.PROCESSING, at(10)) is None  # it began at about 7
    assert request.observe(State.PROCESSING, at(50)) is None
    assert request.observe(State.SUCCEEDED, at(60)) == 48  # it ended at about 55


def test_what_is_processed_at_the_start_counts_from_when_it_was_seen_so() -> None:
    request = tracked(job_of(state=State.PROCESSING), now=20)
    assert request.observe(State.SUCCEEDED, at(40)) == 20


@pytest.mark.parametrize("found", [True, False])
def test_a_found_job_that_is_processed_already_teaches_nothing(found: bool) -> None:
    request = tracked(job_of(state=State.PROCESSING), found=found)
    processed = request.observe(State.SUCCEEDED, at(40))
    assert processed == (None if found else 20)


@pytest.mark.parametrize(("gap", "taught"), [(GAP_MAX, True), (GAP_MAX + 1, False)])
def test_a_change_in_a_long_gap_teaches_nothing(gap: float, taught: bool) -> None:
    before = tracked(job_of())
    before.observe(State.PROCESSING, at(gap))
    assert (before.observe(State.SUCCEEDED, at(gap + 10)) is not None) is taught
    after = tracked(job_of())
    after.observe(State.PROCESSING, at(1))
    assert (after.observe(State.SUCCEEDED, at(1 + gap)) is not None) is taught


def test_a_job_that_lost_its_machine_is_measured_from_its_new_start() -> None:
    request = tracked(job_of())
    request.observe(State.PROCESSING, at(10))
    request.observe(State.QUEUED, at(20))
    assert request.interval(NOBODY_KNOWS, at(20)) == 2  # it waits in line again, from now on
    request.observe(State.PROCESSING, at(30))
    assert request.observe(State.SUCCEEDED, at(50)) == 15


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_only_a_success_teaches(state: State) -> None:
    request = tracked(job_of())
    request.observe(State.PROCESSING, at(10))
    assert request.observe(state, at(20)) is None
    assert request.state is state


def test_a_success_out_of_the_line_teaches_nothing() -> None:
    request = tracked(job_of())
    assert request.observe(State.SUCCEEDED, at(10)) is None
    assert request.state is State.SUCCEEDED
    assert request.interval(NOBODY_KNOWS, at(12)) == 0.5  # its link is missing since now


def test_the_time_in_all_counts_from_the_acceptance() -> None:
    request = tracked(replace(job_of(), state_since=at(100)), now=100)
    request.observe(State.PROCESSING, at(110))
    assert request.total is None
    request.observe(State.SUCCEEDED, at(140))  # at about 125
    assert request.total == 25


def test_the_time_in_all_is_known_of_a_success_out_of_the_line_too() -> None:
    request = tracked(job_of())
    request.observe(State.SUCCEEDED, at(40))
    assert request.total == 20


def test_the_time_in_all_is_unknown_where_the_acceptance_or_the_end_is() -> None:
    found, restarted, unseen = (
        tracked(job_of(), found=True),
        tracked(job_of(state=State.PROCESSING)),
        tracked(job_of()),
    )
    for request in (found, restarted):
        request.observe(State.SUCCEEDED, at(20))
    unseen.observe(State.SUCCEEDED, at(GAP_MAX + 1))
    assert [request.total for request in (found, restarted, unseen)] == [None, None, None]


@pytest.mark.parametrize("before", [State.OVERDUE, State.SUCCEEDED])
@pytest.mark.parametrize("word", [State.QUEUED, State.PROCESSING, None])
def test_a_job_that_is_late_or_finished_does_not_go_back(before: State, word: State | None) -> None:
    request = tracked(job_of(state=before))
    assert request.observe(word, at(30)) is None
    assert (request.state, request.last_seen) == (before, EPOCH)


@pytest.mark.parametrize("ended", [State.SUCCEEDED, State.FAILED, State.CANCELLED])
def test_a_late_job_still_ends(ended: State) -> None:
    request = tracked(job_of(state=State.OVERDUE))
    request.observe(ended, at(30))
    assert request.state is ended


def test_a_word_that_nobody_knows_changes_nothing() -> None:
    request = tracked(job_of())
    assert request.observe(None, at(30)) is None
    assert (request.state, request.last_seen) == (State.QUEUED, EPOCH)


def test_a_sighting_in_the_same_state_shortens_the_gap() -> None:
    request = tracked(job_of(state=State.PROCESSING))
    request.observe(State.PROCESSING, at(40))
    assert request.last_seen == at(40)
    assert request.observe(State.SUCCEEDED, at(50)) == 45


def test_processing_is_asked_about_as_was_learned_within_limits() -> None:
    estimator = DurationEstimator()
    for _ in range(50):
        estimator.learn("vidu-q2-pro-r2v", 5, 600)
    request = tracked(job_of(state=State.PROCESSING))
    assert request.best_interval(estimator, at(0)) == math.inf
    assert request.interval(estimator, at(0)) == 30
    assert request.interval(estimator, at(600)) == request.best_interval(estimator, at(600))
    expected = estimator.best_interval("vidu-q2-pro-r2v", 5, 600)
    assert request.best_interval(estimator, at(600)) == expected
    assert request.interval(estimator, at(800)) == within(estimator.best_interval("vidu-q2-pro-r2v", 5, 800))


def within(seconds: float) -> float:
    return min(max(seconds, 1.0), 30.0)


def test_urgency_counts_the_intervals_that_were_waited() -> None:
    request = tracked(job_of(), deadline=100)
    assert request.urgency(NOBODY_KNOWS, at(4)) == 2
    assert request.urgency(NOBODY_KNOWS, at(40)) == 8
    assert request.urgency(NOBODY_KNOWS, at(99.9)) == pytest.approx(19.98)
    assert request.urgency(NOBODY_KNOWS, at(100)) == math.inf
    request.deadline = None
    assert request.urgency(NOBODY_KNOWS, at(100)) == 20
    request.last_asked = at(90)
    assert request.urgency(NOBODY_KNOWS, at(100)) == 2

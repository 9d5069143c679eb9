from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.jobs import (
    OPEN,
    REFUNDING,
    TRANSITIONS,
    CardLocation,
    Charge,
    IllegalTransition,
    Job,
    Reason,
    State,
    can_move,
    transition,
)
from bot.models.requests import VideoRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINK = "https://cdn.example.invalid/a.mp4"
ENDS = {State.DELIVERED, State.FAILED, State.CANCELLED, State.REFUSED}


def new_job() -> Job:
    return Job(
        1, 2, CardLocation(3, 4), VideoRequest("a fox", (), 5, 7), "vidu-q2-pro-r2v", NOW, state_since=NOW
    )


@given(st.lists(st.tuples(st.sampled_from(State), st.booleans()), max_size=12))
def test_a_job_moves_only_along_the_table_and_is_charged_once(wishes: list[tuple[State, bool]]) -> None:
    job = new_job()
    settled_or_refunded = 0
    for step, (state, linked) in enumerate(wishes, start=1):
        before = job
        results = (LINK,) if linked and state is State.SUCCEEDED else ()
        decided = before.state is State.SUCCEEDED and bool(before.results) is not (state is State.DELIVERED)
        if state not in TRANSITIONS[job.state] or decided:
            with pytest.raises(IllegalTransition):
                transition(job, state, NOW, results=results)
            continue
        job = transition(job, state, NOW + timedelta(seconds=step), results=results)
        assert (job.state, job.revision) == (state, before.revision + 1)
        assert job.state_since == (
            before.state_since if state is before.state else NOW + timedelta(seconds=step)
        )
        if job.charge is not before.charge:
            assert before.charge is Charge.HELD
            settled_or_refunded += 1
    assert settled_or_refunded <= 1
    if not job.is_open:
        assert job.charge is not Charge.HELD
    if job.state in REFUNDING:
        assert job.charge is Charge.REFUNDED


def test_the_ends_are_ends_and_everything_else_is_open() -> None:
    assert set(State) - OPEN == ENDS
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("state", sorted(State))
def test_every_state_leads_to_an_end(state: State) -> None:
    reached, edge = {state}, {state}
    while edge:
        edge = set().union(*(TRANSITIONS[one] for one in edge)) - reached
        reached |= edge
    assert reached & ENDS


def test_a_late_result_of_a_refunded_job_stays_free() -> None:
    job = transition(transition(new_job(), State.QUEUED, NOW), State.OVERDUE, NOW, reason=Reason.DEADLINE)
    assert job.charge is Charge.REFUNDED
    assert (
        transition(job, State.SUCCEEDED, NOW, results=("https://example.com/a.mp4",)).charge
        is Charge.REFUNDED
    )


def test_a_success_without_a_link_was_billed_and_is_not_refunded() -> None:
    job = transition(transition(new_job(), State.QUEUED, NOW), State.SUCCEEDED, NOW)
    assert job.awaits_link
    assert job.charge is Charge.HELD
    assert transition(job, State.FAILED, NOW, reason=Reason.NO_RESULT).charge is Charge.SETTLED
    assert transition(job, State.SUCCEEDED, NOW, results=(LINK,)).charge is Charge.SETTLED


def test_a_success_that_turns_out_to_have_failed_is_given_back() -> None:
    job = transition(transition(new_job(), State.QUEUED, NOW), State.SUCCEEDED, NOW)
    assert transition(job, State.FAILED, NOW, reason=Reason.FAILED).charge is Charge.REFUNDED


def test_a_success_with_its_link_is_delivered_and_nothing_else() -> None:
    job = transition(transition(new_job(), State.QUEUED, NOW), State.SUCCEEDED, NOW, results=(LINK,))
    assert [state for state in State if can_move(job, state)] == [State.DELIVERED]


def test_a_token_never_shows_in_a_repr() -> None:
    location = CardLocation(3, 4, token="fake-interaction-token")
    assert "fake-interaction-token" not in repr(location)


@pytest.mark.parametrize(
    ("state", "reason", "request_id", "in_vain"),
    [
        (State.FAILED, Reason.FAILED, "req-1", True),
        (State.FAILED, Reason.NO_RESULT, "req-1", True),
        (State.CANCELLED, Reason.CANCELLED, "req-1", True),
        (State.OVERDUE, Reason.DEADLINE, "req-1", True),
        (State.UNCONFIRMED, Reason.UNCLEAR, None, True),
        (State.REFUSED, Reason.POLICY, None, True),
        (State.REFUSED, Reason.CREDIT, None, True),
        (State.REFUSED, Reason.RATE, None, False),
        (State.REFUSED, Reason.CAPACITY, None, False),
        (State.REFUSED, Reason.UNREACHABLE, None, False),
        (State.REFUSED, Reason.NOT_SENT, None, False),
        (State.CANCELLED, Reason.CANCELLED, None, False),
        (State.SUBMITTING, Reason.RATE, None, False),
        (State.QUEUED, None, "req-1", False),
        (State.DELIVERED, None, "req-1", False),
    ],
)
def test_in_vain_is_what_gmi_got_and_nothing_came_of(
    state: State, reason: Reason | None, request_id: str | None, in_vain: bool
) -> None:
    job = replace(new_job(), state=state, reason=reason, request_id=request_id)
    assert job.in_vain is in_vain

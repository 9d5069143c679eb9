from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models.catalog import Kind
from bot.models.jobs import (
    CardLocation,
    Charge,
    IllegalTransition,
    Job,
    can_move,
    transition,
    without_card,
    without_content,
)
from bot.models.requests import Reference, VideoRequest
from bot.models.states import REFUNDING, TRANSITIONS, Reason, State

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LINK = "https://cdn.example.invalid/a.mp4"


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
        if state is State.SUBMITTING or state not in TRANSITIONS[job.state] or decided:
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


@pytest.mark.parametrize("target", sorted(State))
@pytest.mark.parametrize("state", sorted(State))
def test_a_job_may_move_where_the_table_lets_it(state: State, target: State) -> None:
    job = replace(new_job(), state=state)
    allowed = target in TRANSITIONS[state] and (state, target) != (State.SUCCEEDED, State.DELIVERED)
    assert can_move(job, target) is allowed
    if not allowed or target is State.SUBMITTING:
        with pytest.raises(IllegalTransition, match=f"{state.value} -> {target.value}"):
            transition(job, target, NOW)


@pytest.mark.parametrize("charge", sorted(Charge))
@pytest.mark.parametrize(
    ("state", "target", "reason", "results", "held_becomes"),
    [
        (State.SUBMITTING, State.QUEUED, None, (), Charge.HELD),
        (State.QUEUED, State.PROCESSING, None, (), Charge.HELD),
        (State.SUBMITTING, State.REFUSED, Reason.CREDIT, (), Charge.REFUNDED),
        (State.SUBMITTING, State.UNCONFIRMED, Reason.UNCLEAR, (), Charge.REFUNDED),
        (State.SUBMITTING, State.CANCELLED, Reason.CANCELLED, (), Charge.REFUNDED),
        (State.QUEUED, State.OVERDUE, Reason.DEADLINE, (), Charge.REFUNDED),
        (State.PROCESSING, State.FAILED, Reason.POLICY, (), Charge.REFUNDED),
        (State.PROCESSING, State.FAILED, Reason.NO_RESULT, (), Charge.SETTLED),
        (State.PROCESSING, State.SUCCEEDED, None, (), Charge.HELD),
        (State.PROCESSING, State.SUCCEEDED, None, (LINK,), Charge.SETTLED),
        (State.SUCCEEDED, State.SUCCEEDED, None, (LINK,), Charge.SETTLED),
        (State.SUCCEEDED, State.FAILED, Reason.FAILED, (), Charge.REFUNDED),
    ],
)
def test_a_quota_is_charged_once(
    charge: Charge,
    state: State,
    target: State,
    reason: Reason | None,
    results: tuple[str, ...],
    held_becomes: Charge,
) -> None:
    job = transition(
        replace(new_job(), state=state, charge=charge), target, NOW, reason=reason, results=results
    )
    assert job.charge is (held_becomes if charge is Charge.HELD else charge)


def test_charges_are_stored_as_they_always_were() -> None:
    assert {charge.name: charge.value for charge in Charge} == {
        "HELD": "held",
        "SETTLED": "settled",
        "REFUNDED": "refunded",
    }


def test_what_belongs_to_a_state_ends_with_it() -> None:
    job = replace(
        new_job(),
        waiting_until=NOW,
        reason=Reason.RATE,
        detail="TooManyRequests",
        acknowledged=True,
        refetch_until=NOW,
        revision=6,
    )
    moved = transition(job, State.QUEUED, NOW + timedelta(seconds=3), request_id="req-1")
    assert moved == replace(
        new_job(),
        state=State.QUEUED,
        state_since=NOW + timedelta(seconds=3),
        request_id="req-1",
        revision=7,
    )


@pytest.mark.parametrize(("state", "kept"), [(State.CANCELLED, 3), (State.PROCESSING, None)])
def test_who_wanted_to_cancel_a_job_is_remembered_only_if_it_was_canceled(
    state: State, kept: int | None
) -> None:
    wanted = replace(new_job(), state=State.QUEUED, cancelled_by=3)
    assert transition(wanted, state, NOW).cancelled_by == kept
    assert transition(replace(wanted, cancelled_by=None), state, NOW, cancelled_by=3).cancelled_by == kept


def test_what_belongs_to_the_request_stays() -> None:
    job = replace(new_job(), state=State.SUCCEEDED, request_id="req-1", results=(LINK,), spoiler=True)
    moved = transition(job, State.DELIVERED, NOW)
    assert (moved.request_id, moved.results, moved.location) == ("req-1", (LINK,), job.location)
    assert moved.spoiler


def test_a_transition_takes_what_comes_with_it() -> None:
    later, elsewhere = NOW + timedelta(days=1), CardLocation(5, None, 6)
    job = replace(new_job(), state=State.SUCCEEDED, request_id="req-1", results=(LINK,))
    moved = transition(job, State.DELIVERED, NOW, location=elsewhere, refetch_until=later)
    assert (moved.location, moved.refetch_until) == (elsewhere, later)
    failed = transition(
        replace(job, results=()),
        State.FAILED,
        NOW,
        reason=Reason.FAILED,
        detail="TaskTimeout",
        request_id="req-2",
        acknowledged=True,
    )
    assert (failed.reason, failed.detail, failed.request_id) == (Reason.FAILED, "TaskTimeout", "req-2")
    assert failed.acknowledged


def test_a_state_that_is_reached_again_began_when_it_was_reached_first() -> None:
    job = replace(new_job(), state=State.SUCCEEDED)
    assert transition(job, State.SUCCEEDED, NOW + timedelta(hours=1), results=(LINK,)).state_since == NOW


def test_a_job_is_in_vain_by_its_own_state_reason_and_request() -> None:
    refused = replace(new_job(), state=State.REFUSED, reason=Reason.RATE)
    assert not refused.in_vain
    assert replace(refused, reason=Reason.POLICY).in_vain
    assert replace(refused, request_id="req-1").in_vain


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
    location = CardLocation(3, 4, 5, token="fake-interaction-token")
    assert repr(location) == "CardLocation(channel=3, guild=4, message=5)"
    assert "fake-interaction-token" not in repr(replace(new_job(), location=location))


def test_a_code_to_report_a_job_by_is_short_and_always_the_same() -> None:
    assert new_job().report_code == "17Z9KZ"  # never changes: members keep it
    codes = [replace(new_job(), id=1456074443980800000 + number).report_code for number in range(5000)]
    assert len(set(codes)) >= 4998
    assert all(len(code) == 6 and code.isalnum() and code.isupper() | code.isdigit() for code in codes)
    assert not set("".join(codes)) & set("ILOU")


def test_a_deleted_job_keeps_what_counts_and_what_recognizes_it() -> None:
    reference = Reference(Kind.IMAGE, "fox.png", "https://cdn.example.invalid/fox.png", 1000, 320, 240)
    location = CardLocation(
        3, 4, 5, "fake-token", NOW, private=True, keeps_references=True, upload_limit=6, guest=True
    )
    job = replace(
        new_job(),
        state=State.DELIVERED,
        location=location,
        request=VideoRequest("a fox", (reference,), 5, 7),
        request_id="req-1",
        detail="TaskTimeout",
        results=(LINK,),
        refetch_until=NOW,
        charge=Charge.SETTLED,
        acknowledged=True,
    )
    later = NOW + timedelta(hours=1)
    deleted = replace(
        job,
        request=VideoRequest("", (), 5, 7),
        detail=None,
        results=(),
        refetch_until=None,
        acknowledged=False,
        deleted_at=later,
    )
    assert without_content(job, later) == deleted
    place = CardLocation(3, 4, private=True, upload_limit=6, guest=True)
    assert without_card(deleted) == replace(deleted, location=place, acknowledged=True)

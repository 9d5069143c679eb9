"""States: the table of transitions and the groups, each written down a second time."""

from __future__ import annotations

import pytest

from bot.models.states import FOLLOWED, OPEN, REFUNDING, TRANSITIONS, Reason, State, is_in_vain

ENDS = {State.DELIVERED, State.FAILED, State.CANCELLED, State.REFUSED}
TABLE = {
    "submitting": "submitting queued processing succeeded failed cancelled refused unconfirmed overdue",
    "queued": "submitting processing succeeded failed cancelled overdue",
    "processing": "submitting queued succeeded failed cancelled overdue",
    "succeeded": "delivered succeeded failed cancelled",
    "overdue": "succeeded failed cancelled",
    "unconfirmed": "queued processing succeeded failed cancelled",
    "delivered": "",
    "failed": "",
    "cancelled": "",
    "refused": "",
}


def test_the_table_is_complete() -> None:
    assert {state.value: set(TRANSITIONS[state]) for state in TRANSITIONS} == {
        state: set(targets.split()) for state, targets in TABLE.items()
    }
    assert set(TRANSITIONS) == set(State)


def test_reasons_are_stored_as_they_always_were() -> None:
    assert {reason.name: reason.value for reason in Reason} == {
        "KEY": "key",
        "CREDIT": "credit",
        "CAPACITY": "capacity",
        "CAST": "cast",
        "RATE": "rate",
        "POLICY": "policy",
        "REFERENCE": "reference",
        "DOWNLOAD": "download",
        "MOV": "mov",
        "NOT_UPLOADED": "not_uploaded",
        "PARAMETER": "parameter",
        "MODEL": "model",
        "UNREACHABLE": "unreachable",
        "NOT_SENT": "not_sent",
        "UNCLEAR": "unclear",
        "FAILED": "failed",
        "CANCELLED": "cancelled",
        "NO_RESULT": "no_result",
        "DEADLINE": "deadline",
    }


def test_the_groups_of_states() -> None:
    assert {"submitting", "queued", "processing", "succeeded", "overdue", "unconfirmed"} == OPEN
    assert {"queued", "processing", "overdue"} == FOLLOWED
    assert {"failed", "cancelled", "refused", "unconfirmed", "overdue"} == REFUNDING
    assert set(State) - OPEN == ENDS


@pytest.mark.parametrize("state", sorted(State))
def test_every_state_leads_to_an_end(state: State) -> None:
    reached, edge = {state}, {state}
    while edge:
        edge = set().union(*(TRANSITIONS[state] for state in edge)) - reached
        reached |= edge
    assert reached & ENDS


def test_stored_values_fit_into_their_columns() -> None:
    assert max(len(state) for state in State) <= 16
    assert max(len(reason) for reason in Reason) <= 32


@pytest.mark.parametrize(
    ("state", "reason", "request_id", "in_vain"),
    [
        (State.FAILED, Reason.FAILED, "req-1", True),
        (State.FAILED, Reason.NO_RESULT, "req-1", True),
        (State.CANCELLED, Reason.CANCELLED, "req-1", True),
        (State.OVERDUE, Reason.DEADLINE, "req-1", True),
        (State.UNCONFIRMED, Reason.UNCLEAR, None, True),
        (State.REFUSED, Reason.POLICY, None, True),
        (State.REFUSED, Reason.PARAMETER, None, True),
        (State.REFUSED, Reason.CREDIT, None, False),
        (State.REFUSED, Reason.KEY, None, False),
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
    assert is_in_vain(state, reason, request_id) is in_vain

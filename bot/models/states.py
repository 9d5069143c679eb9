"""The states of a job: the one table of legal transitions, the groups of states, and why a job ended."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a job stands. The values are stored in the database: never rename one."""

    SUBMITTING = "submitting"  # the intent is safe, the POST may or may not have happened
    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"  # GMI has the video, the member not yet; without results its link is waited for
    DELIVERED = "delivered"
    OVERDUE = "overdue"  # the member knows; a late result is still delivered
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # GMI said no at submit
    UNCONFIRMED = "unconfirmed"  # nobody can know whether the POST arrived


class Reason(StrEnum):
    """Why a job did not end in a video. The values are stored; each has its sentence in `ui`."""

    KEY = "key"
    CREDIT = "credit"
    CAPACITY = "capacity"
    RATE = "rate"
    POLICY = "policy"
    REFERENCE = "reference"  # a file is there and can't be used
    DOWNLOAD = "download"  # a file could not be fetched
    MOV = "mov"  # ... and it is none that can be uploaded instead
    NOT_UPLOADED = "not_uploaded"  # the files could not be uploaded, and nothing was sent
    CAST = "cast"  # a saved reference that its member can't use anymore, and nothing was sent
    PARAMETER = "parameter"
    MODEL = "model"
    UNREACHABLE = "unreachable"
    NOT_SENT = "not_sent"  # its time was up before its turn came
    UNCLEAR = "unclear"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NO_RESULT = "no_result"
    DEADLINE = "deadline"


_WORKING = {State.QUEUED, State.PROCESSING}
_ENDED_BY_GMI = {State.SUCCEEDED, State.FAILED, State.CANCELLED}

TRANSITIONS: dict[State, frozenset[State]] = {
    State.SUBMITTING: frozenset(_WORKING | _ENDED_BY_GMI | {State.REFUSED, State.UNCONFIRMED, State.OVERDUE})
    # Back to submitting: it is sent once more, with uploaded files. See `jobs.resubmitted`.
    | {State.SUBMITTING},
    State.QUEUED: frozenset({State.PROCESSING, State.OVERDUE, State.SUBMITTING} | _ENDED_BY_GMI),
    # A job that lost its machine goes back in line: GMI reports queued again.
    State.PROCESSING: frozenset({State.QUEUED, State.OVERDUE, State.SUBMITTING} | _ENDED_BY_GMI),
    # Which of these depends on whether its link is there: see `jobs.can_move`.
    State.SUCCEEDED: frozenset({State.DELIVERED} | _ENDED_BY_GMI),
    State.OVERDUE: frozenset(_ENDED_BY_GMI),
    State.UNCONFIRMED: frozenset(_WORKING | _ENDED_BY_GMI),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REFUSED: frozenset(),
}

OPEN = frozenset(state for state, following in TRANSITIONS.items() if following)  # something is left to do
FOLLOWED = frozenset({State.QUEUED, State.PROCESSING, State.OVERDUE})  # GMI is asked about its request
# The quota gets back what was held for the job.
REFUNDING = frozenset({State.FAILED, State.CANCELLED, State.REFUSED, State.UNCONFIRMED, State.OVERDUE})
# What a member may want to report: no video came of it, at least so far, and nobody chose that.
FAILURES = REFUNDING - {State.CANCELLED}

ENDED_WITHOUT_VIDEO = frozenset({State.FAILED, State.CANCELLED, State.REFUSED})
# Reasons of the bot's own for giving up a request that GMI may have made, and billed, all the same.
GIVEN_UP = frozenset({Reason.DEADLINE, Reason.UNCLEAR, Reason.NO_RESULT})

# A missing credit or a refused key is the operator's to mend, and no attempt of the member's.
_NOT_TAKEN_IN = frozenset(
    {
        Reason.RATE,
        Reason.CAPACITY,
        Reason.UNREACHABLE,
        Reason.NOT_SENT,
        Reason.NOT_UPLOADED,
        Reason.CAST,
        Reason.CREDIT,
        Reason.KEY,
    }
)


def is_in_vain(state: State, reason: Reason | None, request_id: str | None) -> bool:
    """Return whether GMI got a request in this state and nothing came of it, so far.

    What was given up before GMI took it in, or cancelled before it was sent, cost GMI nothing.
    """
    if state not in REFUNDING or request_id is not None:
        return state in REFUNDING
    return state is not State.CANCELLED and not (state is State.REFUSED and reason in _NOT_TAKEN_IN)


def may_be_billed(state: State, reason: Reason | None) -> bool:
    """Return whether GMI may bill a request: always, but for a definite end without a video."""
    return state not in ENDED_WITHOUT_VIDEO or reason in GIVEN_UP

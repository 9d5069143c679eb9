"""A job and its states: the one table of legal transitions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.models.requests import VideoRequest


class State(StrEnum):
    """Where a job stands. The values are stored in the ledger: never rename one."""

    SUBMITTING = "submitting"  # the intent is safe, the POST may or may not have happened
    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"  # GMI has the video, the member not yet; without results its link is waited for
    DELIVERED = "delivered"
    OVERDUE = "overdue"  # the member was told; a late result is still delivered
    FAILED = "failed"
    CANCELLED = "cancelled"
    REFUSED = "refused"  # GMI said no at submit
    UNCONFIRMED = "unconfirmed"  # nobody can know whether the POST arrived


class Reason(StrEnum):
    """Why a job did not end in a video. Each has its sentence in `cards.py`."""

    KEY = "key"
    CREDIT = "credit"
    CAPACITY = "capacity"
    RATE = "rate"
    POLICY = "policy"
    REFERENCE = "reference"
    PARAMETER = "parameter"
    MODEL = "model"
    UNREACHABLE = "unreachable"
    NOT_SENT = "not_sent"  # its time was up before its turn came
    UNCLEAR = "unclear"
    FAILED = "failed"
    CANCELLED = "cancelled"
    NO_RESULT = "no_result"
    DEADLINE = "deadline"


class Charge(StrEnum):
    """What a job costs its member's quota."""

    HELD = "held"
    SETTLED = "settled"
    REFUNDED = "refunded"


_WORKING = {State.QUEUED, State.PROCESSING}
_ENDED_BY_GMI = {State.SUCCEEDED, State.FAILED, State.CANCELLED}

TRANSITIONS: dict[State, frozenset[State]] = {
    State.SUBMITTING: frozenset(_WORKING | _ENDED_BY_GMI | {State.REFUSED, State.UNCONFIRMED, State.OVERDUE}),
    State.QUEUED: frozenset({State.PROCESSING, State.OVERDUE} | _ENDED_BY_GMI),
    # A job that lost its machine goes back in line: GMI reports queued again.
    State.PROCESSING: frozenset({State.QUEUED, State.OVERDUE} | _ENDED_BY_GMI),
    # Which of these depends on whether its link is there: see `can_move`.
    State.SUCCEEDED: frozenset({State.DELIVERED} | _ENDED_BY_GMI),
    State.OVERDUE: frozenset(_ENDED_BY_GMI),
    State.UNCONFIRMED: frozenset(_WORKING | _ENDED_BY_GMI),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset(),
    State.CANCELLED: frozenset(),
    State.REFUSED: frozenset(),
}

OPEN = frozenset(state for state, following in TRANSITIONS.items() if following)
FOLLOWED = frozenset({State.QUEUED, State.PROCESSING, State.OVERDUE})
REFUNDING = frozenset({State.FAILED, State.CANCELLED, State.REFUSED, State.UNCONFIRMED, State.OVERDUE})

_NOT_TAKEN_IN = frozenset({Reason.RATE, Reason.CAPACITY, Reason.UNREACHABLE, Reason.NOT_SENT})


class IllegalTransition(Exception):  # noqa: N818 - it names what happened
    """A job was to move where the table does not let it."""


@dataclass(frozen=True, slots=True)
class CardLocation:
    """Where in Discord the card of a job lives."""

    channel_id: int
    guild_id: int | None
    message_id: int | None = None
    token: str | None = None  # of the interaction
    token_expires: datetime | None = None
    private: bool = False
    keeps_references: bool = False  # the card carries the references as attachments
    upload_limit: int | None = None  # bytes that the token route takes: the larger of server and member
    guest: bool = False  # the bot is no member there: it reaches the card by the token only

    def __repr__(self) -> str:
        """Leave the token out: whoever holds it can edit the card."""
        return f"Address(channel={self.channel_id}, guild={self.guild_id}, message={self.message_id})"


@dataclass(frozen=True, slots=True)
class PendingReply:
    """What a member sees while their files are read: nothing was sent yet, but an answer was promised."""

    id: int  # of the interaction, and of the job that may come of it
    user_id: int
    location: CardLocation


@dataclass(frozen=True, slots=True)
class Job:
    """One request on its way. Its id is the interaction's snowflake, so that a repeat is recognised."""

    id: int
    user_id: int
    location: CardLocation
    request: VideoRequest
    model: str
    created_at: datetime
    state: State = State.SUBMITTING
    state_since: datetime | None = None  # of the state
    request_id: str | None = None  # GMI's
    waiting_until: datetime | None = None  # certainly not sent so far, and not to be sent earlier
    reason: Reason | None = None
    detail: str | None = None  # the provider's own code of the reason, such as TaskTimeout
    results: tuple[str, ...] = ()
    refetch_until: datetime | None = None  # its link was posted; until then its file is still to be put there
    charge: Charge = Charge.HELD
    spoiler: bool = False  # pictures and video are covered until somebody chooses to look
    quota_guild_id: int | None = None  # the server whose quotas count; it never changes with the card's place
    acknowledged: bool = False  # the member has seen how it ended
    revision: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether something is still to be done for this job."""
        return self.state in OPEN

    @property
    def awaits_link(self) -> bool:
        """Tell whether GMI says that the video is finished, and has not given a link to it yet."""
        return self.state is State.SUCCEEDED and not self.results

    @property
    def in_vain(self) -> bool:
        """Tell whether GMI got this request and nothing came of it, so far."""
        return is_in_vain(self.state, self.reason, self.request_id)


def is_in_vain(state: State, reason: Reason | None, request_id: str | None) -> bool:
    """Tell whether GMI got a request in this state and nothing came of it, so far.

    What was given up before GMI took it in, or cancelled before it was sent, cost GMI nothing.
    """
    if state not in REFUNDING or request_id is not None:
        return state in REFUNDING
    return state is not State.CANCELLED and not (state is State.REFUSED and reason in _NOT_TAKEN_IN)


def can_move(job: Job, state: State) -> bool:
    """Tell whether the job may move to this state.

    As long as its link is missing, GMI may still give it or take its word back; afterwards it is delivered.
    """
    if job.state is State.SUCCEEDED and job.awaits_link is (state is State.DELIVERED):
        return False
    return state in TRANSITIONS[job.state]


def move(job: Job, state: State, now: datetime, **changes: Any) -> Job:
    """Return the job in its new state, with the quota's share of the news.

    Raises IllegalTransition where the table does not allow the move.
    """
    if not can_move(job, state):
        raise IllegalTransition(f"{job.state} -> {state}")
    charge = job.charge
    if charge is Charge.HELD:
        # A success that never had a link was billed all the same: nothing comes back for it.
        if changes.get("results") or changes.get("reason") is Reason.NO_RESULT:
            charge = Charge.SETTLED
        elif state in REFUNDING:
            charge = Charge.REFUNDED
    since = job.state_since if state is job.state else now
    news = {"state_since": since, "waiting_until": None, "charge": charge, "acknowledged": False} | changes
    return replace(job, state=state, revision=job.revision + 1, **news)

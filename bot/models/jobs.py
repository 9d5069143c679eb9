"""A job, and how it moves from state to state."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from bot.models.continuations import Continuation, can_continue
from bot.models.languages import Language
from bot.models.reference_links import LinkStage
from bot.models.requests import VideoRequest
from bot.models.states import OPEN, REFUNDING, TRANSITIONS, Reason, State, is_in_vain, may_be_billed

_CODE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base32: none looks like another one
_CODE_LENGTH = 6  # 2**30 codes: of 10,000 failures hardly two have the same


class Charge(StrEnum):
    """What a job costs its member's quota."""

    HELD = "held"
    SETTLED = "settled"
    REFUNDED = "refunded"


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
    language: Language = Language.ENGLISH  # of those who see the card there

    @property
    def link(self) -> str | None:
        """Return the link to the card's message, None where not everybody there can see it."""
        if self.message_id is None or self.private or self.guest:
            return None
        return f"https://discord.com/channels/{self.guild_id or '@me'}/{self.channel_id}/{self.message_id}"

    def __repr__(self) -> str:
        """Leave the token out: whoever holds it can edit the card."""
        return f"CardLocation(channel={self.channel_id}, guild={self.guild_id}, message={self.message_id})"


@dataclass(frozen=True, slots=True)
class PendingReply:
    """A command that was acknowledged, and whose job has not started yet: its member waits for an answer."""

    id: int  # of the interaction, and of the job that may come of it
    user_id: int
    location: CardLocation
    shard: int = 0  # whose process answers it


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
    links: LinkStage = LinkStage.GIVEN  # of its references
    resent_at: datetime | None = None  # since when it is the second request, of which the first failed
    earlier_request_id: str | None = None  # GMI's of the first one, where it had taken that
    results: tuple[str, ...] = ()
    refetch_until: datetime | None = None  # its link was posted; until then its file is still to be put there
    charge: Charge = Charge.HELD
    spoiler: bool = False  # pictures and video are covered until somebody chooses to look
    shard: int = 0  # whose process takes it to its end, of as many shards as there were then
    quota_guild_id: int | None = None  # the server whose quotas count; it never changes with the card's place
    acknowledged: bool = False  # the member has seen how it ended
    continues: Continuation | None = None  # the video that it goes on from
    cancelled_by: int | None = None  # the user who asked for it, where GMI may not have agreed yet
    deleted_at: datetime | None = None  # since then its prompt, files and video are gone
    erased: bool = False  # they went by age or with all of its member's data: its card is left as it is
    revision: int = 0
    # Its member had no job before it: not stored, but found out from the jobs that are.
    first: bool = field(default=False, compare=False)

    @property
    def is_open(self) -> bool:
        """Return whether something is still to be done for this job."""
        return self.state in OPEN

    @property
    def is_unfinished(self) -> bool:
        """Tell whether anything is still to be done or shown: such a job is in the memory of its process."""
        return self.is_open or not self.acknowledged or self.refetch_until is not None

    @property
    def awaits_link(self) -> bool:
        """Return whether GMI says that the video is finished, and has not given a link to it yet."""
        return self.state is State.SUCCEEDED and not self.results

    @property
    def scene(self) -> int:
        """Return which scene it is of a chain of videos."""
        return 1 if self.continues is None else self.continues.scene

    @property
    def can_be_continued(self) -> bool:
        """Return whether its video can be the reference clip of the next scene."""
        return self.state is State.DELIVERED and bool(self.results) and can_continue(self.request.duration)

    @property
    def cancelled_by_owner(self) -> bool:
        """Return whether its own member cancelled it."""
        return self.state is State.CANCELLED and self.cancelled_by == self.user_id

    @property
    def report_code(self) -> str:
        """Return what a member can tell the operator to say which job it was; always the same for a job."""
        digest = int.from_bytes(hashlib.sha256(str(self.id).encode()).digest()[:8], "big")
        return "".join(_CODE_LETTERS[digest >> 5 * place & 31] for place in range(_CODE_LENGTH))

    @property
    def in_vain(self) -> bool:
        """Return whether GMI got this request and nothing came of it, so far."""
        return is_in_vain(self.state, self.reason, self.request_id or self.earlier_request_id)

    @property
    def payload(self) -> dict[str, object]:
        """Return what its next POST sends, or its last one sent."""
        return self.request.payload(uploaded=self.links is LinkStage.UPLOADED)

    @property
    def payloads(self) -> tuple[dict[str, object], ...]:
        """Return all that may have been sent for it."""
        if self.resent_at is None or self.links is not LinkStage.UPLOADED:
            return (self.payload,)
        return self.payload, self.request.payload()

    @property
    def begun_at(self) -> datetime:
        """Return the moment after which its last POST was sent."""
        return self.resent_at or self.created_at

    @property
    def may_be_billed(self) -> bool:
        """Return whether the operator may have to pay for this request."""
        return may_be_billed(self.state, self.reason)


def can_move(job: Job, state: State) -> bool:
    """Return whether the job may move to this state.

    As long as its link is missing, GMI may still give it or take its word back; afterwards it is delivered.
    """
    if job.state is State.SUCCEEDED and job.awaits_link is (state is State.DELIVERED):
        return False
    # What a member has heard the end of, or what was sent twice, is not sent once more.
    if state is State.SUBMITTING and (job.resent_at is not None or job.charge is not Charge.HELD):
        return False
    return state in TRANSITIONS[job.state]


def transition(
    job: Job,
    state: State,
    now: datetime,
    *,
    reason: Reason | None = None,
    detail: str | None = None,
    request_id: str | None = None,
    results: tuple[str, ...] = (),
    location: CardLocation | None = None,
    refetch_until: datetime | None = None,
    acknowledged: bool = False,
    cancelled_by: int | None = None,
) -> Job:
    """Return the job in its new state, with what its quota is charged.

    A request id, results and a location that are not given stay as they are, and whoever wanted to cancel
    the job is remembered if that is how it ends; everything else belongs to the state, and ends with it.
    Raises IllegalTransition where the table does not allow the move, and for SUBMITTING: see `resubmitted`.
    """
    if state is State.SUBMITTING or not can_move(job, state):
        raise IllegalTransition(f"{job.state} -> {state}")
    return replace(
        job,
        request=job.request if state in OPEN else _without_cast_links(job.request),
        state=state,
        state_since=job.state_since if state is job.state else now,
        request_id=request_id or job.request_id,
        waiting_until=None,
        reason=reason,
        detail=detail,
        results=results or job.results,
        refetch_until=refetch_until,
        location=location or job.location,
        charge=_charge(job, state, reason, has_results=bool(results)),
        acknowledged=acknowledged,
        cancelled_by=(cancelled_by or job.cancelled_by) if state is State.CANCELLED else None,
        revision=job.revision + 1,
    )


def _without_cast_links(request: VideoRequest) -> VideoRequest:
    """Return a request that is not sent anymore: whoever shared their pictures may erase them."""
    return replace(request, cast=tuple(replace(use, links=()) for use in request.cast))


def resubmitted(job: Job, now: datetime, *, request_id: str | None, detail: str | None = None) -> Job:
    """Return a job whose references GMI could not fetch as one that waits to be sent once more.

    Its files are uploaded before. It stays one video: its quota goes on to be held. `request_id` is GMI's of
    the first request, if it had taken it. Raises IllegalTransition where it may not be sent again.
    """
    if not can_move(job, State.SUBMITTING):
        raise IllegalTransition(f"{job.state} -> {State.SUBMITTING}")
    references = tuple(replace(reference, uploaded_url=None) for reference in job.request.references)
    return replace(
        job,
        state=State.SUBMITTING,
        state_since=now,
        request=replace(job.request, references=references),
        request_id=None,
        earlier_request_id=request_id or job.request_id,
        resent_at=now,
        links=LinkStage.TO_UPLOAD,
        waiting_until=now,
        reason=None,
        detail=detail,
        cancelled_by=None,
        revision=job.revision + 1,
    )


def without_content(job: Job, now: datetime) -> Job:
    """Return an ended job as one that was deleted, whose card is still to be removed.

    What quotas count and what recognizes a lost request stays: when, how long, its seed and GMI's ID.
    """
    return replace(
        job,
        request=replace(job.request, prompt="", references=(), cast=(), sent_prompt=None),
        detail=None,
        results=(),
        continues=None,
        refetch_until=None,
        acknowledged=False,
        deleted_at=now,
    )


def without_card(job: Job) -> Job:
    """Return a deleted job as one for which nothing is left to do."""
    location = replace(job.location, message_id=None, token=None, token_expires=None, keeps_references=False)
    return replace(job, location=location, acknowledged=True)


def erased(job: Job, now: datetime) -> Job:
    """Return an ended job of which nothing is kept that somebody wrote; its card stays where it is."""
    return replace(without_card(without_content(job, now)), cancelled_by=None, erased=True)


def _charge(job: Job, state: State, reason: Reason | None, *, has_results: bool) -> Charge:
    if job.charge is not Charge.HELD:
        return job.charge
    # A success that never had a link was billed all the same: nothing comes back for it.
    if has_results or reason is Reason.NO_RESULT:
        return Charge.SETTLED
    return Charge.REFUNDED if state in REFUNDING else Charge.HELD

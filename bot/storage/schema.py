"""The ledger's tables, and a job as a row of them."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.models.drafts import Draft, Source
from bot.models.jobs import CardLocation, Charge, Job, PendingReply, Reason, State
from bot.models.requests import Kind, Reference, VideoRequest

metadata = sa.MetaData()

# Postgres keeps no NUL in a text, and neither database a half of a surrogate pair: Discord's and GMI's JSON
# can hold both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BIG, _INT = 2**63 - 1, 2**31 - 1


def storable(text: str) -> str:
    """Return the text without what no database keeps."""
    return _UNSTORABLE.sub("\ufffd", text)


def dump_json(value: Any) -> str:
    """Return a value as JSON that every database keeps."""
    return json.dumps(_storable_value(value))


def _storable_value(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {name: _storable_value(each) for name, each in value.items()}
        case list() | tuple():
            return [_storable_value(each) for each in value]
        case _:
            return value


def load_json(text: str | bytes) -> Any:
    """Return the value of a JSON column; None, where it is broken: other rows come with it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class _Text(sa.types.TypeDecorator[str]):
    """A text without a limit of its own."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Leave out what cannot be stored."""
        return None if value is None else storable(value)


class _Word(sa.types.TypeDecorator[str]):
    """A text that is cut to its column: one that does not fit would freeze its job for ever."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        """Leave out what cannot be stored, and what does not fit."""
        assert isinstance(self.impl_instance, sa.String)
        return None if value is None else storable(value)[: self.impl_instance.length]


class _Number(sa.types.TypeDecorator[int]):
    """A whole number that stays within its column."""

    impl: type[sa.Integer] = sa.BigInteger
    limit = _BIG
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Return the nearest number that can be stored."""
        return None if value is None else max(-self.limit - 1, min(value, self.limit))


class _Small(_Number):
    """A whole number of 32 bits."""

    impl = sa.Integer
    limit = _INT
    cache_ok = True


# Moments are whole microseconds since 1970: exact, ordered, and the same in SQLite and Postgres.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=False),
    sa.Column("revision", _Small, nullable=False),
    sa.Column("state", _Word(16), nullable=False),
    sa.Column("since", _Number),
    sa.Column("charge", _Word(16), nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("user_id", _Number, nullable=False),
    sa.Column("guild_id", _Number),
    sa.Column("quota_guild_id", _Number),
    sa.Column("channel_id", _Number, nullable=False),
    sa.Column("message_id", _Number),
    sa.Column("token", _Text),
    sa.Column("token_expires", _Number),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("guest", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("keeps_references", sa.Boolean, nullable=False),
    sa.Column("upload_limit", _Number),
    sa.Column("spoiler", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("model", _Word(100), nullable=False),
    sa.Column("prompt", _Text, nullable=False),
    sa.Column("reference_list", sa.JSON, nullable=False),
    sa.Column("duration", _Small, nullable=False),
    sa.Column("seed", _Number, nullable=False),
    sa.Column("created_at", _Number, nullable=False),
    sa.Column("request_id", _Text),
    sa.Column("waiting_until", _Number),
    sa.Column("reason", _Word(32)),
    sa.Column("detail", _Word(100)),
    sa.Column("results", sa.JSON, nullable=False),
    sa.Column("refetch_until", _Number),
    sa.Index("jobs_by_state", "state", "told"),
    sa.Index("jobs_by_user", "user_id", "created_at"),
    sa.Index("jobs_by_time", "created_at"),
)

placeholders = sa.Table(
    "placeholders",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", _Number, nullable=False),
    sa.Column("guild_id", _Number),
    sa.Column("channel_id", _Number, nullable=False),
    sa.Column("message_id", _Number),
    sa.Column("token", _Text),
    sa.Column("token_expires", _Number),
    sa.Column("private", sa.Boolean, nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("id", _Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", _Number, nullable=False),
    sa.Column("saved_at", _Number, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Index("drafts_by_time", "saved_at"),
)

quota_rules = sa.Table(
    "quota_rules",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("scope", _Word(16), primary_key=True),
    sa.Column("target_id", _Number, primary_key=True, autoincrement=False),  # 0 for the server itself
    sa.Column("videos", _Small),
    sa.Column("seconds", _Small),
    sa.Column("per", _Word(16), nullable=False),
)

quota_resets = sa.Table(
    "quota_resets",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("at", _Number, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("name", _Word(100), primary_key=True),
    sa.Column("value", _Text, nullable=False),
)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _maybe_to_micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def to_moment(micros: int) -> datetime:
    """Return the moment of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def _maybe_to_moment(micros: int | None) -> datetime | None:
    return None if micros is None else to_moment(micros)


def pending_reply_to_row(placeholder: PendingReply) -> dict[str, Any]:
    """Return a placeholder as a row of `placeholders`."""
    location = placeholder.location
    return {
        "id": placeholder.id,
        "user_id": placeholder.user_id,
        "guild_id": location.guild_id,
        "channel_id": location.channel_id,
        "message_id": location.message_id,
        "token": location.token,
        "token_expires": _maybe_to_micros(location.token_expires),
        "private": location.private,
    }


def row_to_pending_reply(row: sa.Row[Any]) -> PendingReply:
    """Return the placeholder of a row of `placeholders`."""
    location = CardLocation(
        channel_id=row.channel_id,
        guild_id=row.guild_id,
        message_id=row.message_id,
        token=row.token,
        token_expires=_maybe_to_moment(row.token_expires),
        private=row.private,
    )
    return PendingReply(row.id, row.user_id, location)


def draft_to_row(draft: Draft, saved_at: datetime) -> dict[str, Any]:
    """Return a draft as a row of `drafts`."""
    content = asdict(draft)
    return {
        "id": content.pop("id"),
        "user_id": content.pop("user_id"),
        "saved_at": to_micros(saved_at),
        "content": content,
    }


def row_to_draft(row: sa.Row[Any]) -> Draft:
    """Return the draft of a row of `drafts`."""
    content = dict(row.content)
    sources = tuple(
        Source(**{**source, "kind": Kind(source["kind"]) if source["kind"] else None})
        for source in content.pop("sources")
    )
    chosen = content.pop("chosen")
    return Draft(
        id=row.id,
        user_id=row.user_id,
        sources=sources,
        chosen=None if chosen is None else tuple(chosen),
        **content,
    )


def job_to_row(job: Job) -> dict[str, Any]:
    """Return a job as a row of `jobs`."""
    location, request = job.location, job.request
    return {
        "id": job.id,
        "revision": job.revision,
        "state": job.state.value,
        "since": _maybe_to_micros(job.state_since),
        "charge": job.charge.value,
        "told": job.acknowledged,
        "user_id": job.user_id,
        "guild_id": location.guild_id,
        "quota_guild_id": job.quota_guild_id,
        "channel_id": location.channel_id,
        "message_id": location.message_id,
        "token": location.token,
        "token_expires": _maybe_to_micros(location.token_expires),
        "private": location.private,
        "guest": location.guest,
        "keeps_references": location.keeps_references,
        "upload_limit": location.upload_limit,
        "spoiler": job.spoiler,
        "model": job.model,
        "prompt": request.prompt,
        "reference_list": [asdict(reference) for reference in request.references],
        "duration": request.duration,
        "seed": request.seed,
        "created_at": to_micros(job.created_at),
        "request_id": job.request_id,
        "waiting_until": _maybe_to_micros(job.waiting_until),
        "reason": job.reason.value if job.reason else None,
        "detail": job.detail,
        "results": list(job.results),
        "refetch_until": _maybe_to_micros(job.refetch_until),
    }


def row_to_job(row: sa.Row[Any]) -> Job:
    """Return the job of a row of `jobs`."""
    references = tuple(
        Reference(**{**reference, "kind": Kind(reference["kind"])}) for reference in row.reference_list
    )
    location = CardLocation(
        channel_id=row.channel_id,
        guild_id=row.guild_id,
        message_id=row.message_id,
        token=row.token,
        token_expires=_maybe_to_moment(row.token_expires),
        private=row.private,
        guest=row.guest,
        keeps_references=row.keeps_references,
        upload_limit=row.upload_limit,
    )
    return Job(
        id=row.id,
        user_id=row.user_id,
        quota_guild_id=row.quota_guild_id,
        location=location,
        request=VideoRequest(row.prompt, references, row.duration, row.seed),
        model=sys.intern(row.model),  # one text for all of many open jobs
        spoiler=row.spoiler,
        created_at=to_moment(row.created_at),
        state=State(row.state),
        state_since=_maybe_to_moment(row.since),
        request_id=row.request_id,
        waiting_until=_maybe_to_moment(row.waiting_until),
        reason=Reason(row.reason) if row.reason else None,
        detail=row.detail,
        results=tuple(row.results),
        refetch_until=_maybe_to_moment(row.refetch_until),
        charge=Charge(row.charge),
        acknowledged=row.told,
        revision=row.revision,
    )

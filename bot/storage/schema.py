"""The tables, and types that let no odd value stop a write."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()

# Postgres keeps no NUL in a text, and neither database a half of a surrogate pair: Discord's and GMI's JSON
# can hold both.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
BIGGEST, _INT = 2**63 - 1, 2**31 - 1


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
            return {name: _storable_value(item) for name, item in value.items()}
        case list() | tuple():
            return [_storable_value(item) for item in value]
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
    limit = BIGGEST
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """Return the nearest number that can be stored."""
        return None if value is None else max(-self.limit - 1, min(value, self.limit))


class _Small(_Number):
    """A whole number of 32 bits."""

    impl = sa.Integer
    limit = _INT
    cache_ok = True


_COUNTED = ("quota_guild_id", "user_id", "duration", "charge", "state", "reason")
_TO_REFETCH = sa.text("refetch_until IS NOT NULL")


def _only_where(condition: str) -> dict[str, Any]:
    """Return the options of an index that holds only some of the rows."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


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
    sa.Column("cancelled_by", _Number),
    sa.Column("deleted_at", _Number),
    sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("jobs_by_state", "state", "created_at"),
    # All that a list of somebody's videos has to skip or count.
    sa.Index("jobs_by_user", "user_id", "created_at", "id", "deleted_at"),
    # These two hold all that quotas and budgets count: the rows themselves, with prompts, are not read.
    sa.Index("jobs_by_time", "created_at", "id", *_COUNTED),
    sa.Index("jobs_by_server", "quota_guild_id", "created_at", "id", *_COUNTED[1:]),
    # Of a long history hardly any job is in these.
    sa.Index(
        "jobs_unacknowledged", "id", sqlite_where=sa.text("told = 0"), postgresql_where=sa.text("NOT told")
    ),
    sa.Index("jobs_to_refetch", "id", sqlite_where=_TO_REFETCH, postgresql_where=_TO_REFETCH),
    # Only a hash takes a text of any length in Postgres, and whatever GMI calls an id must be saved.
    sa.Index("jobs_by_request", "request_id"),  # of the kind hash on Postgres: see the migration
    sa.Index("jobs_by_seed", "seed"),
    # What is old is looked for every hour: rows of which nothing is left to erase are not in these.
    sa.Index("jobs_with_content", "created_at", "id", **_only_where("deleted_at IS NULL")),
    sa.Index("jobs_with_token", "token_expires", **_only_where("token IS NOT NULL")),
)

pending_replies = sa.Table(
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
    sa.Column("at_once", _Small),
)

server_budgets = sa.Table(
    "server_budgets",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("videos", _Small),
    sa.Column("seconds", _Small),
    sa.Column("per", _Word(16), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
)

budget_warnings = sa.Table(
    "budget_warnings",
    metadata,
    sa.Column("scope", _Word(16), primary_key=True),
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),  # 0 where it is no server's
    sa.Column("level", _Small, primary_key=True, autoincrement=False),  # percent
    sa.Column("at", _Number, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
)

member_blocks = sa.Table(
    "member_blocks",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("by_id", _Number, nullable=False),
    sa.Column("at", _Number, nullable=False),
    sa.Column("until", _Number),
    sa.Column("reason", _Text, nullable=False),
)

filter_entries = sa.Table(
    "filter_entries",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("kind", _Word(16), primary_key=True),
    sa.Column("text", _Word(200), primary_key=True),
    sa.Column("by_id", _Number, nullable=False),
    sa.Column("at", _Number, nullable=False),
)

server_settings = sa.Table(
    "server_settings",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("log_channel_id", _Number),
    sa.Column("log_broken", sa.Boolean, nullable=False),
    sa.Column("age", _Word(16), nullable=False),
)

rule_changes = sa.Table(
    "rule_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guild_id", _Number, nullable=False),
    sa.Column("by_id", _Number, nullable=False),
    sa.Column("at", _Number, nullable=False),
    sa.Column("kind", _Word(16), nullable=False),
    sa.Column("target", _Text, nullable=False),
    sa.Column("before", _Text, nullable=False),
    sa.Column("after", _Text, nullable=False),
    sa.Index("rule_changes_by_guild", "guild_id", "id"),
)

log_entries = sa.Table(
    "log_entries",
    metadata,
    sa.Column("job_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("channel_id", _Number, nullable=False),
    sa.Column("message_id", _Number, nullable=False),
    sa.Column("shows", _Word(16), nullable=False),
    sa.Index("log_entries_by_message", "message_id"),
)

quota_resets = sa.Table(
    "quota_resets",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("at", _Number, nullable=False),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("user_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("at", _Number, nullable=False),  # whatever the member asked for up to this moment
)

departures = sa.Table(
    "departures",
    metadata,
    sa.Column("guild_id", _Number, primary_key=True, autoincrement=False),
    sa.Column("at", _Number, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("name", _Word(100), primary_key=True),
    sa.Column("value", _Text, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", _Word(100), primary_key=True),
    sa.Column("owner", _Word(100), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),  # by the database's own clock
)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(moment: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def optional_micros(moment: datetime | None) -> int | None:
    """Return a moment as whole microseconds, None as None."""
    return None if moment is None else to_micros(moment)


def to_moment(micros: int) -> datetime:
    """Return the moment of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def optional_moment(micros: int | None) -> datetime | None:
    """Return the moment of so many microseconds, None as None."""
    return None if micros is None else to_moment(micros)

"""The tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.storage.columns import Number, Small, Text, Word

metadata = sa.MetaData()

_COUNTED = ("quota_guild_id", "user_id", "duration", "charge", "state", "reason")
_POSTGRES = "postgres"  # what of an index's description is for Postgres alone


def _only_where(condition: str, in_postgres: str | None = None, **options: str) -> dict[str, Any]:
    """Return the options of an index that holds only some of the rows; others are for Postgres alone."""
    where = {"where": sa.text(in_postgres or condition)}
    return {"sqlite_where": sa.text(condition), "info": {_POSTGRES: where | options}}


# Moments are whole microseconds since 1970: exact, ordered, and the same in SQLite and Postgres.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("revision", Small, nullable=False),
    sa.Column("state", Word(16), nullable=False),
    sa.Column("since", Number),
    sa.Column("charge", Word(16), nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Column("user_id", Number, nullable=False),
    sa.Column("guild_id", Number),
    sa.Column("shard", Small, nullable=False, server_default="0"),
    sa.Column("quota_guild_id", Number),
    sa.Column("channel_id", Number, nullable=False),
    sa.Column("message_id", Number),
    sa.Column("token", Text),
    sa.Column("token_expires", Number),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("guest", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("keeps_references", sa.Boolean, nullable=False),
    sa.Column("upload_limit", Number),
    sa.Column("spoiler", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("language", Word(16), nullable=False, server_default="en"),
    sa.Column("model", Word(100), nullable=False),
    sa.Column("prompt", Text, nullable=False),
    sa.Column("reference_list", sa.JSON, nullable=False),
    sa.Column("cast_list", sa.JSON, nullable=False, server_default="[]"),
    sa.Column("sent_prompt", Text),
    sa.Column("duration", Small, nullable=False),
    sa.Column("seed", Number, nullable=False),
    sa.Column("created_at", Number, nullable=False),
    sa.Column("request_id", Text),
    sa.Column("waiting_until", Number),
    sa.Column("reason", Word(32)),
    sa.Column("detail", Word(100)),
    sa.Column("links", Word(16), nullable=False, server_default="given"),
    sa.Column("resent_at", Number),
    sa.Column("earlier_request_id", Text),
    sa.Column("continues", Number),
    sa.Column("scene", Small),
    sa.Column("scene_before", Text),
    sa.Column("results", sa.JSON, nullable=False),
    sa.Column("refetch_until", Number),
    sa.Column("cancelled_by", Number),
    sa.Column("deleted_at", Number),
    sa.Column("erased", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Index("jobs_by_state", "state", "created_at"),
    # All that a list of somebody's videos has to skip or count.
    sa.Index("jobs_by_user", "user_id", "created_at", "id", "deleted_at"),
    # These two hold all that quotas and budgets count: the rows themselves, with prompts, are not read.
    sa.Index("jobs_by_time", "created_at", "id", *_COUNTED),
    sa.Index("jobs_by_server", "quota_guild_id", "created_at", "id", *_COUNTED[1:]),
    # Of a long history hardly any job is in these.
    sa.Index("jobs_unacknowledged", "id", **_only_where("told = 0", in_postgres="NOT told")),
    sa.Index("jobs_to_refetch", "id", **_only_where("refetch_until IS NOT NULL")),
    # Only a hash takes a text of any length in Postgres, and whatever GMI calls an id must be saved.
    sa.Index("jobs_by_request", "request_id", info={_POSTGRES: {"using": "hash"}}),
    sa.Index(
        "jobs_by_earlier_request",
        "earlier_request_id",
        **_only_where("earlier_request_id IS NOT NULL", using="hash"),
    ),
    sa.Index("jobs_by_seed", "seed"),
    # What is old is looked for every hour: rows of which nothing is left to erase are not in these.
    sa.Index("jobs_with_content", "created_at", "id", **_only_where("deleted_at IS NULL")),
    sa.Index("jobs_with_token", "token_expires", **_only_where("token IS NOT NULL")),
)

pending_replies = sa.Table(
    "placeholders",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", Number, nullable=False),
    sa.Column("guild_id", Number),
    sa.Column("channel_id", Number, nullable=False),
    sa.Column("message_id", Number),
    sa.Column("token", Text),
    sa.Column("token_expires", Number),
    sa.Column("private", sa.Boolean, nullable=False),
    sa.Column("shard", Small, nullable=False, server_default="0"),
    sa.Column("language", Word(16), nullable=False, server_default="en"),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", Number, nullable=False),
    sa.Column("saved_at", Number, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Index("drafts_by_time", "saved_at"),
)

quota_rules = sa.Table(
    "quota_rules",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("scope", Word(16), primary_key=True),
    sa.Column("target_id", Number, primary_key=True, autoincrement=False),  # 0 for the server itself
    sa.Column("videos", Small),
    sa.Column("seconds", Small),
    sa.Column("per", Word(16), nullable=False),
    sa.Column("at_once", Small),
)

server_budgets = sa.Table(
    "server_budgets",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("videos", Small),
    sa.Column("seconds", Small),
    sa.Column("per", Word(16), nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
)

budget_warnings = sa.Table(
    "budget_warnings",
    metadata,
    sa.Column("scope", Word(16), primary_key=True),
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),  # 0 where it is no server's
    sa.Column("level", Small, primary_key=True, autoincrement=False),  # percent
    sa.Column("at", Number, nullable=False),
    sa.Column("told", sa.Boolean, nullable=False),
)

member_blocks = sa.Table(
    "member_blocks",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", Number, primary_key=True, autoincrement=False),
    sa.Column("by_id", Number, nullable=False),
    sa.Column("at", Number, nullable=False),
    sa.Column("until", Number),
    sa.Column("reason", Text, nullable=False),
)

filter_entries = sa.Table(
    "filter_entries",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("kind", Word(16), primary_key=True),
    sa.Column("text", Word(200), primary_key=True),
    sa.Column("by_id", Number, nullable=False),
    sa.Column("at", Number, nullable=False),
)

server_settings = sa.Table(
    "server_settings",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("log_channel_id", Number),
    sa.Column("log_broken", sa.Boolean, nullable=False),
    sa.Column("age", Word(16), nullable=False),
    sa.Column("language", Word(16)),
)

rule_changes = sa.Table(
    "rule_changes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guild_id", Number, nullable=False),
    sa.Column("by_id", Number, nullable=False),
    sa.Column("at", Number, nullable=False),
    sa.Column("kind", Word(16), nullable=False),
    sa.Column("target", Text, nullable=False),
    sa.Column("before", Text, nullable=False),
    sa.Column("after", Text, nullable=False),
    sa.Index("rule_changes_by_guild", "guild_id", "id"),
)

log_entries = sa.Table(
    "log_entries",
    metadata,
    sa.Column("job_id", Number, primary_key=True, autoincrement=False),
    sa.Column("channel_id", Number, nullable=False),
    sa.Column("message_id", Number, nullable=False),
    sa.Column("shows", Word(16), nullable=False),
    sa.Index("log_entries_by_message", "message_id"),
)

quota_resets = sa.Table(
    "quota_resets",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("user_id", Number, primary_key=True, autoincrement=False),
    sa.Column("at", Number, nullable=False),
)

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("user_id", Number, primary_key=True, autoincrement=False),
    sa.Column("at", Number, nullable=False),  # whatever the member asked for up to this moment
)

departures = sa.Table(
    "departures",
    metadata,
    sa.Column("guild_id", Number, primary_key=True, autoincrement=False),
    sa.Column("at", Number, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("name", Word(100), primary_key=True),
    sa.Column("value", Text, nullable=False),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", Word(100), primary_key=True),
    sa.Column("owner", Word(100), nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),  # by the database's own clock
)

topology = sa.Table(
    "topology",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),  # always 0: there is one row
    sa.Column("shard_count", Small, nullable=False),
    sa.Column("processes", Small, nullable=False),
)

# What processes that share the work tell each other; both are empty where one does all of it.
relayed_actions = sa.Table(
    "relayed_actions",
    metadata,
    sa.Column("id", Word(32), primary_key=True),
    sa.Column("job_id", Number, nullable=False),
    sa.Column("shard", Small, nullable=False),  # of the job: whose process is asked
    sa.Column("action", Word(16), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),  # by the database's own clock; nobody does it later
    sa.Column("answer", Word(32)),  # what came of it
)

announcements = sa.Table(
    "announcements",
    metadata,
    sa.Column("subject", Word(16), primary_key=True),
    sa.Column("serial", Word(32), nullable=False),  # another one with each announcement
    sa.Column("value", Word(32), nullable=False),
    sa.Column("until", sa.BigInteger, nullable=False),  # by the database's own clock
)


def create_tables(connection: sa.Connection) -> None:
    """Make all tables of a new database."""
    if connection.dialect.name == "postgresql":
        for table in metadata.tables.values():
            for index in table.indexes:
                # Where they are named above, Postgres' dialect is loaded for SQLite too: 2 MiB of memory.
                index.dialect_options["postgresql"].update(index.info.get(_POSTGRES, {}))
    metadata.create_all(connection)

"""The ledger: durable jobs, quota rules and resets, in SQLAlchemy Core.

A job is written before its POST and after each change, so that a crash at any point finds it. What a job
costs its member's quota is a column of the same row: state and charge can never disagree.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.drafts import Draft
from bot.jobs import OPEN, REFUNDING, Charge, Job, Placeholder, Reason, State, is_in_vain
from bot.quotas import Applied, Period, Rule, Scope
from bot.tables import (
    draft_to_row,
    drafts,
    job_to_row,
    jobs,
    notes,
    placeholder_to_row,
    placeholders,
    quota_resets,
    quota_rules,
    row_to_draft,
    row_to_job,
    row_to_placeholder,
    to_micros,
    to_moment,
)

BUSY_TIMEOUT = 5000  # milliseconds that SQLite waits for another writer, such as a backup
BATCH = 500  # values in one statement; SQLite and Postgres take some ten thousand at most
DRAFT_LIFE = timedelta(days=1)  # Discord's links to files live no longer either


_T = TypeVar("_T")


class LedgerUnusable(Exception):  # noqa: N818 - it names what happened
    """The database cannot be used; the text is one plain sentence for the operator."""


class StorageTrouble(Exception):  # noqa: N818 - it names what happened
    """The database did not take or give something just now; the text holds no value of it."""


class StaleJob(Exception):  # noqa: N818 - it names what happened
    """Somebody else has changed the job since it was read."""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A quota rule of a server, as it was set."""

    guild_id: int
    applied: Applied


@dataclass(frozen=True, slots=True)
class Use:
    """What one job took of a quota."""

    job_id: int
    guild_id: int | None
    user_id: int
    seconds: int
    at: datetime
    charge: Charge


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that GMI got and that came to nothing."""

    job_id: int
    guild_id: int | None
    user_id: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Reset:
    """The moment up to which a member's use was forgotten."""

    guild_id: int
    user_id: int
    at: datetime


class Ledger:
    """One database, opened once per process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._promises: list[tuple[Placeholder, asyncio.Future[None]]] = []
        self._promising: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, url: str) -> Ledger:
        """Open the database and bring its tables up to date.

        Raises LedgerUnusable with a plain sentence where it is damaged, newer than this bot, or out of reach.
        """
        try:
            engine = create_async_engine(url)
            if engine.dialect.name == "sqlite":
                _prepare_sqlite(engine)
            async with engine.begin() as connection:
                await connection.run_sync(_check_and_upgrade)
        except (SQLAlchemyError, OSError) as error:
            raise LedgerUnusable(_why_unusable(error)) from error
        except CommandError as error:
            raise LedgerUnusable(
                "The database was made by a newer version of this bot: update the bot, or restore a backup."
            ) from error
        return cls(engine)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except (SQLAlchemyError, OSError) as error:
            # The text of an SQLAlchemy error holds the values of the statement: prompts and tokens.
            cause = getattr(error, "orig", None) or error
            raise StorageTrouble(type(cause).__name__) from None

    async def insert(self, job: Job) -> bool:
        """Write a new job in place of its placeholder; tell whether it was new.

        The same interaction twice is one job.
        """
        try:
            async with self._begin() as connection:
                await connection.execute(jobs.insert().values(job_to_row(job)))
                await connection.execute(placeholders.delete().where(placeholders.c.id == job.id))
        except IntegrityError:
            return False
        return True

    async def promise(self, placeholder: Placeholder) -> None:
        """Write down that a member was promised an answer, so that a crash cannot forget it.

        What comes while the disk is busy shares one commit: a burst must not queue for it one by one.
        """
        written = asyncio.get_running_loop().create_future()
        self._promises.append((placeholder, written))
        if self._promising is None or self._promising.done():
            self._promising = asyncio.create_task(self._write_promises(), name="write promises")
        await written

    async def _write_promises(self) -> None:
        while self._promises:
            batch, self._promises = self._promises, []
            latest = {placeholder.id: placeholder for placeholder, _ in batch}
            try:
                async with self._begin() as connection:
                    await connection.execute(placeholders.delete().where(placeholders.c.id.in_(latest)))
                    rows = [placeholder_to_row(placeholder) for placeholder in latest.values()]
                    await connection.execute(placeholders.insert(), rows)
            except Exception as error:
                outcome: Exception | None = error
            else:
                outcome = None
            for _, written in batch:
                if written.done():  # who asked has been cancelled
                    continue
                if outcome is None:
                    written.set_result(None)
                else:
                    written.set_exception(outcome)

    async def answered(self, placeholder_id: int) -> None:
        """Write down that a promised answer was given."""
        async with self._begin() as connection:
            await connection.execute(placeholders.delete().where(placeholders.c.id == placeholder_id))

    async def promised(self) -> list[Placeholder]:
        """Return the placeholders of members who still wait for an answer."""
        return [row_to_placeholder(row) for row in await self._select(placeholders.select())]

    async def save_draft(self, draft: Draft, now: datetime) -> None:
        """Keep what a member has typed for a day, and drop what is older."""
        async with self._begin() as connection:
            old = sa.or_(drafts.c.id == draft.id, drafts.c.saved_at < to_micros(now - DRAFT_LIFE))
            await connection.execute(drafts.delete().where(old))
            await connection.execute(drafts.insert().values(draft_to_row(draft, now)))

    async def draft(self, draft_id: int) -> Draft | None:
        """Return a draft that is still kept."""
        found = await self._select(drafts.select().where(drafts.c.id == draft_id))
        return row_to_draft(found[0]) if found else None

    async def save(self, job: Job, *, previous: int) -> None:
        """Write the job if the ledger still holds its previous revision. Raises StaleJob otherwise."""
        statement = jobs.update().where(jobs.c.id == job.id, jobs.c.revision == previous)
        async with self._begin() as connection:
            changed = await connection.execute(statement.values(job_to_row(job)))
        if changed.rowcount != 1:
            raise StaleJob(f"job {job.id} is no longer at revision {previous}")

    async def job(self, job_id: int) -> Job | None:
        """Return one job."""
        found = await self._select(jobs.select().where(jobs.c.id == job_id))
        return row_to_job(found[0]) if found else None

    async def unfinished_jobs(self) -> list[Job]:
        """Return all jobs for which something is still to be done or told, oldest first."""
        unfinished = sa.or_(
            jobs.c.state.in_(sorted(OPEN)), jobs.c.told.is_(False), jobs.c.refetch_until.is_not(None)
        )
        query = jobs.select().where(unfinished).order_by(jobs.c.id)
        return [row_to_job(row) for row in await self._select(query)]

    async def jobs_of(self, user_id: int, *, limit: int, offset: int = 0) -> list[Job]:
        """Return a member's jobs, newest first."""
        query = (
            jobs.select()
            .where(jobs.c.user_id == user_id)
            .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        )
        return [row_to_job(row) for row in await self._select(query.limit(limit).offset(offset))]

    async def count_jobs_of(self, user_id: int) -> int:
        """Return how many jobs a member has ever had."""
        query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.user_id == user_id)
        return int((await self._select(query))[0][0])

    async def known_requests(self, request_ids: Collection[str]) -> set[str]:
        """Return those of GMI's ids that belong to a job, however old."""
        found: set[str] = set()
        for some in _in_batches(request_ids):
            query = sa.select(jobs.c.request_id).where(jobs.c.request_id.in_(some))
            found |= {row.request_id for row in await self._select(query)}
        return found

    async def jobs_with_seeds(self, seeds: Collection[int]) -> list[Job]:
        """Return all jobs, however old, that were sent with one of these seeds."""
        found: list[Job] = []
        for some in _in_batches(seeds):
            found += [
                row_to_job(row) for row in await self._select(jobs.select().where(jobs.c.seed.in_(some)))
            ]
        return found

    async def jobs_without_request(self, earliest: datetime, latest: datetime) -> list[Job]:
        """Return the jobs whose id at GMI is not known and that may have been sent between these moments.

        One that was cancelled without an id was never sent.
        """
        c = jobs.c
        query = jobs.select().where(
            c.request_id.is_(None),
            c.state != State.CANCELLED,
            c.created_at <= to_micros(latest),
            sa.or_(c.state == State.SUBMITTING, c.since.is_(None), c.since >= to_micros(earliest)),
        )
        return [row_to_job(row) for row in await self._select(query)]

    async def uses(self, since: datetime) -> list[Use]:
        """Return what counts towards quotas: jobs since then, and older ones that are still held."""
        c = jobs.c
        query = (
            sa.select(c.id, c.quota_guild_id, c.user_id, c.duration, c.created_at, c.charge)
            .where(
                c.charge != Charge.REFUNDED, sa.or_(c.created_at > to_micros(since), c.charge == Charge.HELD)
            )
            .order_by(c.created_at, c.id)
        )
        return [
            Use(
                row.id,
                row.quota_guild_id,
                row.user_id,
                row.duration,
                to_moment(row.created_at),
                Charge(row.charge),
            )
            for row in await self._select(query)
        ]

    async def attempts(self, since: datetime) -> list[Attempt]:
        """Return the requests since then that GMI got and that came to nothing."""
        c = jobs.c
        query = sa.select(
            c.id, c.quota_guild_id, c.user_id, c.created_at, c.state, c.reason, c.request_id
        ).where(c.state.in_(sorted(REFUNDING)), c.created_at > to_micros(since))
        return [
            Attempt(row.id, row.quota_guild_id, row.user_id, to_moment(row.created_at))
            for row in await self._select(query)
            if is_in_vain(State(row.state), Reason(row.reason) if row.reason else None, row.request_id)
        ]

    async def set_rule(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Store a quota rule in place of an older one."""
        key = {"guild_id": guild_id, "scope": scope.value, "target_id": target_id or 0}
        async with self._begin() as connection:
            await connection.execute(quota_rules.delete().where(*_matches(quota_rules, key)))
            values = {"videos": rule.videos, "seconds": rule.seconds, "per": rule.per.value}
            await connection.execute(quota_rules.insert().values(**key, **values))

    async def clear_rule(self, guild_id: int, scope: Scope, target_id: int | None) -> None:
        """Remove a quota rule."""
        key = {"guild_id": guild_id, "scope": scope.value, "target_id": target_id or 0}
        async with self._begin() as connection:
            await connection.execute(quota_rules.delete().where(*_matches(quota_rules, key)))

    async def rules(self) -> list[StoredRule]:
        """Return the quota rules of all servers."""
        return [
            StoredRule(
                row.guild_id,
                Applied(
                    Rule(row.videos, row.seconds, Period(row.per)), Scope(row.scope), row.target_id or None
                ),
            )
            for row in await self._select(quota_rules.select())
        ]

    async def reset(self, guild_id: int, user_id: int, at: datetime) -> None:
        """Store that a member's use up to this moment is forgotten."""
        key = {"guild_id": guild_id, "user_id": user_id}
        async with self._begin() as connection:
            await connection.execute(quota_resets.delete().where(*_matches(quota_resets, key)))
            await connection.execute(quota_resets.insert().values(**key, at=to_micros(at)))

    async def resets(self) -> list[Reset]:
        """Return the latest reset of each member."""
        rows = await self._select(quota_resets.select())
        return [Reset(row.guild_id, row.user_id, to_moment(row.at)) for row in rows]

    async def note(self, name: str) -> str | None:
        """Return what was written down under this name."""
        rows = await self._select(notes.select().where(notes.c.name == name))
        return rows[0].value if rows else None

    async def write_note(self, name: str, value: str) -> None:
        """Write something down under a name."""
        async with self._begin() as connection:
            await connection.execute(notes.delete().where(notes.c.name == name))
            await connection.execute(notes.insert().values(name=name, value=value))

    async def _select(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        async with self._begin() as connection:
            result: sa.CursorResult[Any] = await connection.execute(query)
            return result.all()


def _in_batches(values: Collection[_T]) -> Iterator[list[_T]]:
    listed = list(values)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]


def _check_and_upgrade(connection: sa.Connection) -> None:
    """Refuse a damaged file, and run the migrations that it lacks."""
    if connection.dialect.name == "sqlite":
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            raise sa.exc.DatabaseError("quick_check", None, Exception(str(verdict)))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _why_unusable(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error)
    if re.search(r"not a database|malformed|quick_check|database disk image", text, re.I):
        return "The database file is damaged: restore a backup, or move it away to start with an empty one."
    return "The database cannot be opened: check DATABASE_URL, and that its folder exists and can be written."


def _prepare_sqlite(engine: AsyncEngine) -> None:
    database = engine.url.database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and only at the first write: too late.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT}"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _matches(table: sa.Table, key: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]

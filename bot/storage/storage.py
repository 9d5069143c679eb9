"""The ledger: durable jobs, quota rules and resets, in SQLAlchemy Core.

A job is written before its POST and after each change, so that a crash at any point finds it. What a job
costs its member's quota is a column of the same row: state and charge can never disagree.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.models.drafts import Draft
from bot.models.jobs import OPEN, REFUNDING, Charge, Job, PendingReply, Reason, State, is_in_vain
from bot.models.quotas import EffectiveRule, Period, Rule, Scope
from bot.storage.database import (
    PATIENCE,
    READS,
    StorageConflict,
    StorageFault,
    StorageUnavailable,
    StorageUnusable,
    open_engine,
    translated,
)
from bot.storage.schema import (
    draft_to_row,
    drafts,
    job_to_row,
    jobs,
    notes,
    pending_reply_to_row,
    placeholders,
    quota_resets,
    quota_rules,
    row_to_draft,
    row_to_job,
    row_to_pending_reply,
    to_micros,
    to_moment,
)

__all__ = ["StaleJob", "Storage", "StorageFault", "StorageUnavailable", "StorageUnusable"]

log = logging.getLogger(__name__)

BUSY_TIMEOUT = 5000  # milliseconds that SQLite waits for another writer, such as a backup
DRAFT_LIFE = timedelta(days=1)  # Discord's links to files live no longer either

PROMPT = 1.0  # seconds that somebody whose answer is due within 3 s waits for the disk [Discord]
CAREFUL = 5.0  # seconds for a new job: its member looks at a placeholder meanwhile
PATIENT = 10.0  # seconds for what nobody looks at; a connection and a statement may take 5 s each
START = 60.0  # seconds for all that is read at the start
CLOSE = 0.5  # seconds that a stop leaves to what is being written, and again to closing connections
BATCH = 500  # promises in one commit, values in one statement, which has at most 32,766 [SQLite]

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]
Rows = Sequence[sa.Row[Any]]


class StaleJob(Exception):  # noqa: N818 - it names what happened
    """Somebody else has changed the job since it was read."""


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A quota rule of a server, as it was set."""

    guild_id: int
    applied: EffectiveRule


@dataclass(frozen=True, slots=True)
class QuotaUse:
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
class QuotaReset:
    """The moment up to which a member's use was forgotten."""

    guild_id: int
    user_id: int
    at: datetime


class Storage:
    """One database, opened once per process.

    Nobody waits for the disk longer than a method says: what takes longer is broken off behind their back,
    and they get StorageTrouble. What may be on disk all the same is written so that it does no harm.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # SQLite has one writer at a time; among our own tasks first come is first served.
        self._turn = asyncio.Lock() if engine.dialect.name == "sqlite" else None
        self._drivers: weakref.WeakSet[Any] = weakref.WeakSet()  # connections that can be cut at once
        sa.event.listen(engine.sync_engine, "connect", self._connected)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._promises: list[tuple[int, PendingReply | None, asyncio.Future[None]]] = []
        self._promising: asyncio.Task[None] | None = None
        self._broken_promises: set[int] = set()  # to be removed with the next commit

    @classmethod
    async def open(cls, url: str) -> Storage:
        """Open the database and bring its tables up to date.

        Raises StorageUnusable with a sentence if it is damaged, newer than this bot, or out of reach.
        """
        return cls(await open_engine(url, busy_timeout=BUSY_TIMEOUT))

    async def close(self) -> None:
        """Let what is being written arrive, and close every connection; each takes at most CLOSE."""
        if self._broken_promises:
            broken = placeholders.delete().where(placeholders.c.id.in_(self._broken_promises))
            with contextlib.suppress(StorageUnavailable, StorageFault):
                await self._write(CLOSE, broken)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSE)
        for task in self._under_way:
            task.cancel()
        # A server that has vanished answers no good-bye: then the driver cuts the connection.
        goodbyes = [driver.close(timeout=CLOSE) for driver in self._drivers if not driver.is_closed()]
        await asyncio.gather(*goodbyes, return_exceptions=True)
        closing = asyncio.create_task(self._engine.dispose(close=not goodbyes), name="close the ledger")
        await asyncio.wait({closing}, timeout=CLOSE)

    @asynccontextmanager
    async def _begin(
        self, *, reads: bool = False, seconds: float = PATIENT, known: list[Any] | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """Begin a transaction; one that writes waits its turn. The driver's connection is made known."""
        turn = None if reads else self._turn
        try:
            async with turn or contextlib.nullcontext(), self._engine.connect() as connection:
                if known is not None:
                    known.append((await connection.get_raw_connection()).driver_connection)
                await connection.execution_options(**{READS: reads, PATIENCE: int(seconds * 1000)})
                async with connection.begin():
                    yield connection
        except Exception as error:
            raise translated(error) from None

    async def _within(self, seconds: float, work: Work[T], *, reads: bool = False) -> T:
        """Do something in a transaction, and wait so long for it.

        Neither a thread that waits for SQLite nor a server that has vanished can be interrupted: the work is
        a task of its own, which ends when it can, while the caller goes on.
        """
        known: list[Any] = []

        async def transaction() -> T:
            async with self._begin(reads=reads, seconds=seconds, known=known) as connection:
                return await work(connection)

        task = asyncio.create_task(transaction(), name="transaction")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        # Who is cancelled here leaves the work alone: at a stop it may still arrive.
        await asyncio.wait({task}, timeout=seconds)
        if task.done():
            return task.result()
        if known and known[0] in self._drivers:
            # A server that has vanished answers no polite good-bye; the task ends with the connection.
            known[0].terminate()
        else:
            task.cancel()  # rolls back, unless the commit has begun
        raise StorageUnavailable("TimeoutError")

    def _connected(self, connection: Any, _record: Any) -> None:
        driver = connection.driver_connection
        if hasattr(driver, "terminate"):  # asyncpg's; a thread of SQLite cannot be cut
            self._drivers.add(driver)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # of what was broken off nobody else asks

    async def _write(self, seconds: float, *statements: sa.Executable) -> int:
        """Execute statements in one transaction and return how many rows the first one changed."""

        async def execute(connection: AsyncConnection) -> int:
            results = [await connection.execute(statement) for statement in statements]
            return int(results[0].rowcount)

        return await self._within(seconds, execute)

    async def _select(self, query: sa.Select[Any], seconds: float = PROMPT) -> Rows:
        async def execute(connection: AsyncConnection) -> Rows:
            result: sa.CursorResult[Any] = await connection.execute(query)
            return result.all()

        return await self._within(seconds, execute, reads=True)

    async def _read(
        self, query: sa.Select[Any], read: Callable[[Any], T], seconds: float = PROMPT
    ) -> list[T]:
        """Return what the rows mean; one that makes no sense is logged and left out."""
        found = []
        for row in await self._select(query, seconds):
            try:
                found.append(read(row))
            except Exception as error:
                # Only its place is logged: the row holds prompts and tokens.
                table = query.get_final_froms()[0]
                log.error("A row of %s (%s) cannot be read: %s", table, row[0], type(error).__name__)
        return found

    async def insert(self, job: Job) -> bool:
        """Write a new job in place of its placeholder; tell whether it was new.

        The same interaction twice is one job. After StorageTrouble it may be there all the same: see
        `withdraw`.
        """
        placeholder = placeholders.delete().where(placeholders.c.id == job.id)
        try:
            await self._write(CAREFUL, jobs.insert().values(job_to_row(job)), placeholder)
        except StorageConflict:
            return False
        return True

    async def withdraw(self, job: Job) -> None:
        """Remove a job whose beginning was not acknowledged; nothing was sent for it."""
        c = jobs.c
        begun = (c.id == job.id, c.created_at == to_micros(job.created_at), c.revision == job.revision)
        await self._write(PATIENT, jobs.delete().where(*begun, c.state == State.SUBMITTING.value))

    async def add_pending_reply(self, placeholder: PendingReply) -> None:
        """Write down that a member was promised an answer, so that a crash cannot forget it.

        What comes while the disk is busy shares one commit: a burst must not queue for it one by one. A
        promise that was not acknowledged in time is not one: should it arrive late, it is removed.
        """
        self._broken_promises.discard(placeholder.id)
        try:
            await self._queue(placeholder.id, placeholder)
        except StorageUnavailable:
            self._broken_promises.add(placeholder.id)
            raise

    async def remove_pending_reply(self, placeholder_id: int) -> None:
        """Write down that a promised answer was given; in storage trouble that is made up for later."""
        try:
            await self._queue(placeholder_id, None)
        except (StorageUnavailable, StorageFault) as trouble:
            log.warning("An answer was not noted yet (%s)", trouble)
            self._broken_promises.add(placeholder_id)

    async def _queue(self, placeholder_id: int, placeholder: PendingReply | None) -> None:
        """Write promises and answers in the order in which they came."""
        written = asyncio.get_running_loop().create_future()
        self._promises.append((placeholder_id, placeholder, written))
        if self._promising is None or self._promising.done():
            self._promising = asyncio.create_task(self._write_promises(), name="write promises")
        await asyncio.wait({written}, timeout=PROMPT)
        if not written.done():
            written.cancel()
            raise StorageUnavailable("TimeoutError")
        written.result()

    async def _write_promises(self) -> None:
        while self._promises:
            batch, self._promises = self._promises[:BATCH], self._promises[BATCH:]
            removed = set(self._broken_promises)
            # Whoever has given up meanwhile wants no promise any more; answers are noted all the same.
            latest = {
                placeholder_id: placeholder
                for placeholder_id, placeholder, written in batch
                if placeholder is None or not written.done()
            }
            rows = [pending_reply_to_row(placeholder) for placeholder in latest.values() if placeholder]
            statements: list[sa.Executable] = [
                placeholders.delete().where(placeholders.c.id.in_([*latest, *removed]))
            ]
            if rows:
                statements.append(placeholders.insert().values(rows))
            outcome: Exception | None = None
            try:
                await self._write(PROMPT, *statements)
                self._broken_promises -= removed
            except Exception as error:
                outcome = error
            for _, _, written in batch:
                if written.done():  # who asked has given up
                    continue
                if outcome is None:
                    written.set_result(None)
                else:
                    written.set_exception(outcome)

    async def pending_replies(self) -> list[PendingReply]:
        """Return the placeholders of members who still wait for an answer."""
        return await self._read(placeholders.select(), row_to_pending_reply, START)

    async def save_draft(self, draft: Draft, now: datetime) -> None:
        """Keep what a member has typed for a day, and drop what is older."""
        old = sa.or_(drafts.c.id == draft.id, drafts.c.saved_at < to_micros(now - DRAFT_LIFE))
        await self._write(
            PROMPT, drafts.delete().where(old), drafts.insert().values(draft_to_row(draft, now))
        )

    async def draft(self, draft_id: int) -> Draft | None:
        """Return a draft that is still kept."""
        found = await self._read(drafts.select().where(drafts.c.id == draft_id), row_to_draft)
        return found[0] if found else None

    async def save(self, job: Job, *, previous: int) -> None:
        """Write the job if the ledger still holds its previous revision. Raises StaleJob otherwise.

        After StorageTrouble it may be written all the same; a late attempt changes nothing that came later.
        """
        statement = jobs.update().where(jobs.c.id == job.id, jobs.c.revision == previous)
        if await self._write(PATIENT, statement.values(job_to_row(job))) != 1:
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
        return await self._read(jobs.select().where(unfinished).order_by(jobs.c.id), row_to_job, START)

    async def jobs_of(self, user_id: int, *, limit: int, offset: int = 0) -> list[Job]:
        """Return a member's jobs, newest first."""
        query = (
            jobs.select()
            .where(jobs.c.user_id == user_id)
            .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        )
        return await self._read(query.limit(limit).offset(offset), row_to_job)

    async def count_jobs_of(self, user_id: int) -> int:
        """Return how many jobs a member has ever had."""
        query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.user_id == user_id)
        return int((await self._select(query))[0][0])

    async def known_requests(self, request_ids: Collection[str]) -> set[str]:
        """Return those of GMI's ids that belong to a job, however old."""
        found: set[str] = set()
        for some in _in_batches(request_ids):
            query = sa.select(jobs.c.request_id).where(jobs.c.request_id.in_(some))
            found |= {row.request_id for row in await self._select(query, PATIENT)}
        return found

    async def jobs_with_seeds(self, seeds: Collection[int]) -> list[Job]:
        """Return all jobs, however old, that were sent with one of these seeds."""
        found: list[Job] = []
        for some in _in_batches(seeds):
            found += await self._read(jobs.select().where(jobs.c.seed.in_(some)), row_to_job, PATIENT)
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
        return await self._read(query, row_to_job, PATIENT)

    async def uses(self, since: datetime) -> list[QuotaUse]:
        """Return what counts towards quotas: jobs since then, and older ones that are still held."""
        c = jobs.c
        query = (
            sa.select(c.id, c.quota_guild_id, c.user_id, c.duration, c.created_at, c.charge)
            .where(
                c.charge != Charge.REFUNDED, sa.or_(c.created_at > to_micros(since), c.charge == Charge.HELD)
            )
            .order_by(c.created_at, c.id)
        )
        return await self._read(query, _row_to_use, START)

    async def attempts(self, since: datetime) -> list[Attempt]:
        """Return the requests since then that GMI got and that came to nothing."""
        c = jobs.c
        query = sa.select(
            c.id, c.quota_guild_id, c.user_id, c.created_at, c.state, c.reason, c.request_id
        ).where(c.state.in_(sorted(REFUNDING)), c.created_at > to_micros(since))
        found = await self._read(query, _row_to_attempt, START)
        return [attempt for attempt in found if attempt is not None]

    async def set_rule(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Store a quota rule in place of an older one."""
        key = {"guild_id": guild_id, "scope": scope.value, "target_id": target_id or 0}
        values = {"videos": rule.videos, "seconds": rule.seconds, "per": rule.per.value}
        await self._replace(quota_rules, key, values)

    async def clear_rule(self, guild_id: int, scope: Scope, target_id: int | None) -> None:
        """Remove a quota rule."""
        key = {"guild_id": guild_id, "scope": scope.value, "target_id": target_id or 0}
        await self._write(PROMPT, quota_rules.delete().where(*_matches(quota_rules, key)))

    async def rules(self) -> list[StoredRule]:
        """Return the quota rules of all servers."""
        return await self._read(quota_rules.select(), _row_to_rule, START)

    async def reset(self, guild_id: int, user_id: int, at: datetime) -> None:
        """Store that a member's use up to this moment is forgotten."""
        key = {"guild_id": guild_id, "user_id": user_id}
        await self._replace(quota_resets, key, {"at": to_micros(at)})

    async def resets(self) -> list[QuotaReset]:
        """Return the latest reset of each member."""
        return await self._read(quota_resets.select(), _row_to_reset, START)

    async def note(self, name: str) -> str | None:
        """Return what was written down under this name."""
        rows = await self._select(notes.select().where(notes.c.name == name), START)
        return rows[0].value if rows else None

    async def write_note(self, name: str, value: str) -> None:
        """Write something down under a name."""
        await self._replace(notes, {"name": name}, {"value": value})

    async def _replace(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        await self._write(
            PROMPT, table.delete().where(*_matches(table, key)), table.insert().values(**key, **values)
        )


def _in_batches(values: Collection[T]) -> Iterator[list[T]]:
    listed = list(values)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]


def _row_to_use(row: sa.Row[Any]) -> QuotaUse:
    at = to_moment(row.created_at)
    return QuotaUse(row.id, row.quota_guild_id, row.user_id, row.duration, at, Charge(row.charge))


def _row_to_attempt(row: sa.Row[Any]) -> Attempt | None:
    reason = Reason(row.reason) if row.reason else None
    if not is_in_vain(State(row.state), reason, row.request_id):
        return None
    return Attempt(row.id, row.quota_guild_id, row.user_id, to_moment(row.created_at))


def _row_to_rule(row: sa.Row[Any]) -> StoredRule:
    rule = Rule(row.videos, row.seconds, Period(row.per))
    return StoredRule(row.guild_id, EffectiveRule(rule, Scope(row.scope), row.target_id or None))


def _row_to_reset(row: sa.Row[Any]) -> QuotaReset:
    return QuotaReset(row.guild_id, row.user_id, to_moment(row.at))


def _matches(table: sa.Table, key: dict[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]

"""Jobs: one row each, written before the POST and after each change, so that a crash at any point finds it.

What a job costs its member's quota is a column of the same row: state and charge can never disagree.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models.budgets import Budget
from bot.models.jobs import Job
from bot.models.quotas import LimitExceeded
from bot.models.shards import ALL, Share
from bot.models.states import OPEN, State
from bot.storage.budgets import reserve_budget
from bot.storage.columns import to_micros
from bot.storage.database import Database
from bot.storage.errors import StaleJob, StorageConflict
from bot.storage.job_rows import job_to_row, row_to_job
from bot.storage.quotas import Admission, locked_usage
from bot.storage.schema import jobs, pending_replies
from bot.storage.shares import belongs_to

BATCH = 500  # values in one statement, which has at most 32,766 [SQLite]

T = TypeVar("T")


class JobStore:
    """Every job there ever was."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def add(self, job: Job, budgets: Sequence[Budget] = (), admission: Admission | None = None) -> bool:
        """Write a new job in place of its pending reply, if it fits these budgets; tell whether it was new.

        Where memory doesn't know all that its member has used, the rows decide: `admission` is asked about
        them. The same interaction twice is one job. Raises LimitExceeded. After StorageUnavailable it may be
        there all the same: see `remove_unsent`.
        """

        async def insert(connection: AsyncConnection) -> LimitExceeded | None:
            if admission is not None:
                try:
                    admission(await locked_usage(self._database, connection, job))
                except LimitExceeded as error:
                    return error
            exceeded = await reserve_budget(connection, budgets, job.request.duration, job.created_at)
            if exceeded is None:
                await connection.execute(jobs.insert().values(job_to_row(job)))
                await connection.execute(pending_replies.delete().where(pending_replies.c.id == job.id))
            return exceeded

        try:
            exceeded = await self._database.run(self._limits.new_job, insert)
        except StorageConflict:
            return False
        if exceeded is not None:
            raise exceeded
        return True

    async def remove_unsent(self, job: Job) -> None:
        """Remove a job whose row may be there although `add` failed; one that has been changed stays."""
        c = jobs.c
        untouched = (c.id == job.id, c.created_at == to_micros(job.created_at), c.revision == job.revision)
        statement = jobs.delete().where(*untouched, c.state == State.SUBMITTING.value)
        await self._database.write(self._limits.background, statement)

    async def save(self, job: Job, *, previous: int) -> None:
        """Write the job if its row still has the previous revision. Raises StaleJob otherwise.

        After StorageUnavailable it may be written all the same; a late attempt changes nothing newer.
        """
        statement = jobs.update().where(jobs.c.id == job.id, jobs.c.revision == previous)
        changed = await self._database.write(self._limits.background, statement.values(job_to_row(job)))
        if changed != 1:
            raise StaleJob(f"job {job.id} is no longer at revision {previous}")

    async def get(self, job_id: int) -> Job | None:
        """Return one job."""
        found = await self._database.rows(jobs.select().where(jobs.c.id == job_id))
        return row_to_job(found[0]) if found else None

    async def unfinished(self, share: Share = ALL) -> list[Job]:
        """Return the jobs of these shards for which something is still to be done or shown, oldest first."""
        earlier = jobs.alias("earlier")
        first = ~sa.exists().where(earlier.c.user_id == jobs.c.user_id, earlier.c.id < jobs.c.id)
        query = (
            sa.select(jobs, first.label("is_first"))
            .where(jobs.c.id.in_(unfinished_ids()), belongs_to(jobs.c.shard, share))
            .order_by(jobs.c.id)
        )

        def to_job(row: sa.Row[Any]) -> Job:
            return replace(row_to_job(row), first=row.is_first)

        return await self._database.read(query, to_job, self._limits.startup)

    async def has_earlier(self, user_id: int, job_id: int) -> bool:
        """Return whether a member ever had a job before this one: ids grow with time."""
        query = sa.select(jobs.c.id).where(jobs.c.user_id == user_id, jobs.c.id < job_id).limit(1)
        return bool(await self._database.rows(query))

    async def of_user(
        self, user_id: int, *, words: Sequence[str] = (), limit: int, offset: int = 0
    ) -> list[Job]:
        """Return a member's jobs that were not deleted, newest first, whose prompt has all of these words."""
        query = (
            jobs.select().where(*_theirs(user_id, words)).order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        )
        return await self._database.read(query.limit(limit).offset(offset), row_to_job)

    async def count_of_user(self, user_id: int, *, words: Sequence[str] = ()) -> int:
        """Return how many jobs a member has that were not deleted; with words, as `of_user` finds them."""
        query = sa.select(sa.func.count()).select_from(jobs).where(*_theirs(user_id, words))
        return int((await self._database.rows(query))[0][0])

    async def known_requests(self, request_ids: Collection[str]) -> set[str]:
        """Return those of GMI's ids that belong to a job, however old."""
        found: set[str] = set()
        for batch in _in_batches(request_ids):
            for column in (jobs.c.request_id, jobs.c.earlier_request_id):
                query = sa.select(column).where(column.in_(batch))
                found |= {row[0] for row in await self._database.rows(query, self._limits.background)}
        return found

    async def with_seeds(self, seeds: Collection[int]) -> list[Job]:
        """Return all jobs, however old, that were sent with one of these seeds."""
        found: list[Job] = []
        for batch in _in_batches(seeds):
            query = jobs.select().where(jobs.c.seed.in_(batch))
            found += await self._database.read(query, row_to_job, self._limits.background)
        return found

    async def without_request(self, earliest: datetime, latest: datetime) -> list[Job]:
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
        return await self._database.read(query, row_to_job, self._limits.background)


def unfinished_ids() -> sa.CompoundSelect[tuple[int]]:
    """Return the query for the jobs for which something is still to be done or shown.

    Three questions: each has an index in which only what is unfinished stands.
    """
    return sa.union(
        sa.select(jobs.c.id).where(jobs.c.state.in_(sorted(OPEN))),
        sa.select(jobs.c.id).where(~jobs.c.told),
        sa.select(jobs.c.id).where(jobs.c.refetch_until.is_not(None)),
    )


def _theirs(user_id: int, words: Sequence[str]) -> list[sa.ColumnElement[bool]]:
    """Return what selects a member's jobs that were not deleted and have all these words in their prompt."""
    found = [jobs.c.prompt.icontains(word, autoescape=True) for word in words]  # a word may hold % and _
    return [jobs.c.user_id == user_id, jobs.c.deleted_at.is_(None), *found]


def _in_batches(values: Collection[T]) -> Iterator[list[T]]:
    listed = list(values)
    for start in range(0, len(listed), BATCH):
        yield listed[start : start + BATCH]

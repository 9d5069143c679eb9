"""What is old: found in batches by indexes that hold only what is left to erase, and erased there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.models.quotas import LONGEST
from bot.models.shards import ALL, Share
from bot.models.states import OPEN
from bot.storage.columns import to_micros
from bot.storage.database import Database
from bot.storage.drafts import LIFETIME
from bot.storage.schema import (
    departures,
    drafts,
    erasures,
    jobs,
    pending_replies,
    quota_resets,
    relayed_actions,
)
from bot.storage.shares import belongs_to

BATCH = 300  # jobs in one statement: others write in between

UNREAD = timedelta(
    hours=1
)  # after which nobody reads the answer to an action; they are minutes old as a rule

_HAS_CONTENT = jobs.c.deleted_at.is_(None)
# Something may still come of any other job, or its member has not seen its end, or its file is on its way.
_DONE = (jobs.c.state.not_in(sorted(OPEN)), jobs.c.told.is_(True), jobs.c.refetch_until.is_(None))

Place = tuple[int, int]  # in the order of age: when a job was asked for, and its id
START: Place = (0, 0)


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """How long what is kept."""

    content: timedelta  # of a job, from its request on
    server_left: timedelta  # the rules of a server, from the bot's removal on


class RetentionStore:
    """Erases rows by age; the rows of jobs stay, without what somebody wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seconds = database.limits.background

    async def is_due(self, now: datetime, limits: AgeLimits) -> bool:
        """Tell whether anything is to be erased: most hours have nothing, and then this is all they cost."""
        since = to_micros(now - LONGEST)
        theirs = (jobs.c.user_id == erasures.c.user_id, jobs.c.created_at <= erasures.c.at)
        questions = (
            drafts.c.saved_at < to_micros(now - LIFETIME),
            _has_dead_token(pending_replies, now),
            quota_resets.c.at <= since,
            relayed_actions.c.until < to_micros(now - UNREAD),
            departures.c.at < to_micros(now - limits.server_left),
            _has_dead_token(jobs, now),
            sa.and_(_HAS_CONTENT, jobs.c.created_at < to_micros(now - limits.content)),
            sa.or_(erasures.c.at <= since, sa.exists().where(*theirs, _HAS_CONTENT)),
        )
        query = sa.select(sa.or_(*(sa.exists().where(question) for question in questions)))
        return bool((await self._database.rows(query, self._seconds))[0][0])

    async def jobs_before(self, before: datetime, after: Place, share: Share = ALL) -> list[Place]:
        """Return the next jobs of these shards with content from before this moment, oldest first."""
        c = jobs.c
        old = (_HAS_CONTENT, c.created_at < to_micros(before), belongs_to(c.shard, share))
        return await self._next(c.created_at, after, *old)

    async def jobs_of(self, user_id: int, until: datetime, after: Place) -> list[Place]:
        """Return the next jobs with content that a member asked for up to this moment, oldest first."""
        c = jobs.c
        theirs = (c.user_id == user_id, c.created_at <= to_micros(until))
        return await self._next(c.created_at, after, *theirs, _HAS_CONTENT)

    async def _next(
        self, moment: sa.Column[int], after: Place, *conditions: sa.ColumnElement[bool]
    ) -> list[Place]:
        """Return the next jobs that fulfill these conditions, in the order of a moment."""
        number = jobs.c.id
        query = (
            sa.select(moment.label("moment"), number)
            .where(*conditions, sa.tuple_(moment, number) > after)
            .order_by(moment, number)
            .limit(BATCH)
        )
        return [(row.moment, row.id) for row in await self._database.rows(query, self._seconds)]

    async def erase_jobs(self, job_ids: Collection[int], now: datetime) -> int:
        """Erase the content of those jobs that are done, and return how many that were.

        It does to rows what `models.jobs.erased` does to a job, also to a row that cannot be read.
        """
        statement = (
            jobs.update()
            .where(jobs.c.id.in_(job_ids), _HAS_CONTENT, *_DONE)
            .values(
                prompt="",
                reference_list=[],
                cast_list=[],
                sent_prompt=None,
                detail=None,
                continues=None,
                scene=None,
                scene_before=None,
                results=[],
                message_id=None,
                token=None,
                token_expires=None,
                keeps_references=False,
                cancelled_by=None,
                deleted_at=to_micros(now),
                erased=True,
                revision=jobs.c.revision + 1,
            )
        )
        return await self._database.write(self._seconds, statement)

    async def jobs_with_dead_tokens(self, now: datetime, after: Place, share: Share = ALL) -> list[Place]:
        """Return the next jobs of these shards whose token Discord takes no more, by when that was."""
        c = jobs.c
        dead = (_has_dead_token(jobs, now), belongs_to(c.shard, share))
        return await self._next(c.token_expires, after, *dead)

    async def erase_tokens(self, job_ids: Sequence[int], now: datetime) -> int:
        """Erase the tokens of those jobs that are dead, and return how many that were."""
        c = jobs.c
        statement = (
            jobs.update()
            .where(c.id.in_(job_ids), _has_dead_token(jobs, now))
            .values(token=None, revision=c.revision + 1)
        )
        return await self._database.write(self._seconds, statement)

    async def erase_small(self, now: datetime) -> int:
        """Erase old drafts, dead tokens of pending replies, unread actions and resets that no quota asks for.

        These tables are small. Return how many rows that were.
        """
        statements = (
            drafts.delete().where(drafts.c.saved_at < to_micros(now - LIFETIME)),
            pending_replies.update().where(_has_dead_token(pending_replies, now)).values(token=None),
            quota_resets.delete().where(quota_resets.c.at <= to_micros(now - LONGEST)),
            relayed_actions.delete().where(relayed_actions.c.until < to_micros(now - UNREAD)),
        )
        return sum([await self._database.write(self._seconds, statement) for statement in statements])


def _has_dead_token(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    """Return what selects rows whose token Discord takes no more."""
    return sa.and_(table.c.token.is_not(None), table.c.token_expires < to_micros(now))

"""Quotas: rules and resets as moderators made them, and what jobs have used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.models.jobs import Charge
from bot.models.quotas import Period, Rule, Scope, Usage
from bot.models.states import OPEN, REFUNDING, Reason, State, is_in_vain, may_be_billed
from bot.storage.columns import to_micros, to_moment
from bot.storage.database import Database
from bot.storage.schema import jobs, quota_resets, quota_rules

BATCH = 500  # values in one statement, which has at most 32,766 [SQLite]
PAGE = 5_000  # rows that are in memory at once while many are read

# What an index holds of every job, so that nothing else of its row is read.
_COUNTED = tuple(
    jobs.c[name]
    for name in ("id", "quota_guild_id", "user_id", "duration", "created_at", "charge", "state", "reason")
)


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A quota rule of a server, as it was set."""

    guild_id: int
    scope: Scope
    target_id: int | None
    rule: Rule


@dataclass(frozen=True, slots=True)
class CountedJob:
    """What one job counts in its member's quota, and whether it counts in budgets."""

    job_id: int
    guild_id: int | None
    user_id: int
    seconds: int
    at: datetime
    charge: Charge
    may_be_billed: bool


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


class QuotaStore:
    """Rules and resets in tables of their own; uses and attempts are read from the jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def save_rule(self, guild_id: int, scope: Scope, target_id: int | None, rule: Rule) -> None:
        """Keep a rule in place of an older one for the same target."""
        values = {
            "videos": rule.videos,
            "seconds": rule.seconds,
            "per": rule.per.value,
            "at_once": rule.at_once,
        }
        await self._database.replace(quota_rules, _rule_key(guild_id, scope, target_id), values)

    async def remove_rule(self, guild_id: int, scope: Scope, target_id: int | None) -> None:
        """Remove a rule, if there is one."""
        key = _rule_key(guild_id, scope, target_id)
        statement = quota_rules.delete().where(*(quota_rules.c[name] == value for name, value in key.items()))
        await self._database.write(self._limits.interactive, statement)

    async def rules(self) -> list[StoredRule]:
        """Return the rules of all servers."""
        return await self._database.read(quota_rules.select(), _row_to_rule, self._limits.startup)

    async def save_reset(self, guild_id: int, user_id: int, at: datetime) -> None:
        """Keep that a member's use up to this moment is forgotten."""
        key = {"guild_id": guild_id, "user_id": user_id}
        await self._database.replace(quota_resets, key, {"at": to_micros(at)})

    async def resets(self, since: datetime) -> list[QuotaReset]:
        """Return the latest reset of each member after this moment."""
        query = quota_resets.select().where(quota_resets.c.at > to_micros(since))
        return await self._database.read(query, _row_to_reset, self._limits.startup)

    async def open_jobs(self) -> list[CountedJob]:
        """Return what jobs count that have not ended, however old they are."""
        query = sa.select(*_COUNTED).where(jobs.c.state.in_(sorted(OPEN)))
        return await self._database.read(query, _row_to_counted, self._limits.startup)

    async def ended_jobs(
        self, after: datetime, until: datetime | None = None, guild_ids: Sequence[int] | None = None
    ) -> AsyncIterator[list[CountedJob]]:
        """Return what jobs count for good that were asked for within this time, oldest first, page by page.

        Those that have ended, and those whose charge is settled although the video is still to be delivered.
        Never all of them at once: there may be a million. Without servers those of all places are returned.
        """
        c = jobs.c
        for_good = sa.or_(c.state.not_in(sorted(OPEN)), c.charge == Charge.SETTLED.value)
        ended = sa.select(*_COUNTED).where(for_good, c.created_at > to_micros(after))
        if until is not None:
            ended = ended.where(c.created_at <= to_micros(until))
        for some in [None] if guild_ids is None else _in_batches(guild_ids):
            query = ended if some is None else ended.where(c.quota_guild_id.in_(some))
            query = query.order_by(c.created_at, c.id).limit(PAGE)
            page = query
            while rows := await self._database.rows(page, self._limits.startup):
                yield self._database.parse(query, rows, _row_to_counted)
                last = rows[-1]
                page = query.where(
                    c.created_at >= last.created_at,  # what an index can begin at
                    sa.tuple_(c.created_at, c.id) > sa.tuple_(last.created_at, last.id),
                )

    async def usage(self, guild_id: int, since: datetime) -> list[Usage]:
        """Return who has made anything after this moment in a server, or has a job that runs.

        Most seconds come first, then most videos, then the lowest ID.
        """
        c, videos = jobs.c, sa.func.count().label("videos")
        here = c.quota_guild_id == guild_id
        made = (
            sa.select(c.user_id, videos, sa.func.sum(c.duration).label("seconds"))
            .where(here, c.created_at > to_micros(since), c.charge != Charge.REFUNDED)
            .group_by(c.user_id)
        )
        held = (
            sa.select(c.user_id, videos)
            .where(here, c.state.in_(sorted(OPEN)), c.charge == Charge.HELD)
            .group_by(c.user_id)
        )
        running: dict[int, int] = {row.user_id: row.videos for row in await self._database.rows(held)}
        found = [
            Usage(row.user_id, row.videos, row.seconds, running.pop(row.user_id, 0))
            for row in await self._database.rows(made)
        ]
        found += [Usage(user_id, 0, 0, number) for user_id, number in running.items()]
        return sorted(found, key=lambda usage: (-usage.seconds, -usage.videos, usage.user_id))

    async def attempts(self, since: datetime) -> list[Attempt]:
        """Return the requests after this moment that GMI got and that came to nothing."""
        c = jobs.c
        query = sa.select(
            c.id, c.quota_guild_id, c.user_id, c.created_at, c.state, c.reason, c.request_id
        ).where(c.state.in_(sorted(REFUNDING)), c.created_at > to_micros(since))
        found = await self._database.read(query, _row_to_attempt, self._limits.startup)
        return [attempt for attempt in found if attempt is not None]


def _in_batches(guild_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(guild_ids), BATCH):
        yield guild_ids[start : start + BATCH]


def _rule_key(guild_id: int, scope: Scope, target_id: int | None) -> dict[str, Any]:
    return {"guild_id": guild_id, "scope": scope.value, "target_id": target_id or 0}


def _row_to_rule(row: sa.Row[Any]) -> StoredRule:
    rule = Rule(row.videos, row.seconds, Period(row.per), row.at_once)
    return StoredRule(row.guild_id, Scope(row.scope), row.target_id or None, rule)


def _row_to_reset(row: sa.Row[Any]) -> QuotaReset:
    return QuotaReset(row.guild_id, row.user_id, to_moment(row.at))


def _row_to_counted(row: sa.Row[Any]) -> CountedJob:
    return CountedJob(
        row.id,
        row.quota_guild_id,
        row.user_id,
        row.duration,
        to_moment(row.created_at),
        Charge(row.charge),
        may_be_billed(State(row.state), Reason(row.reason) if row.reason else None),
    )


def _row_to_attempt(row: sa.Row[Any]) -> Attempt | None:
    reason = Reason(row.reason) if row.reason else None
    if not is_in_vain(State(row.state), reason, row.request_id):
        return None
    return Attempt(row.id, row.quota_guild_id, row.user_id, to_moment(row.created_at))

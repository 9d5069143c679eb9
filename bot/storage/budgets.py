"""Budgets: those of servers, warnings about them, and the count of what jobs may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.models.budgets import (
    Budget,
    BudgetExceeded,
    BudgetScope,
    BudgetStatus,
    ServerBudget,
    WarningLevel,
    find_exceeded,
)
from bot.models.quotas import Period, Rule
from bot.models.states import ENDED_WITHOUT_VIDEO, GIVEN_UP
from bot.storage.columns import to_micros, to_moment
from bot.storage.database import Database
from bot.storage.schema import budget_warnings, jobs, server_budgets

RESERVING = 0x62756467  # the key of the lock that lets one process at a time reserve in Postgres

# What `may_be_billed` says, in SQL.
_BILLABLE = sa.or_(jobs.c.state.not_in(sorted(ENDED_WITHOUT_VIDEO)), jobs.c.reason.in_(sorted(GIVEN_UP)))


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """What one job counts towards budgets."""

    job_id: int
    guild_id: int | None
    seconds: int
    at: datetime


@dataclass(frozen=True, slots=True)
class BudgetWarning:
    """That so much of a budget was used at some moment."""

    scope: BudgetScope
    guild_id: int | None
    level: WarningLevel
    at: datetime
    told: bool = False  # the server's moderators have read it


class BudgetStore:
    """Budgets of servers and warnings in tables of their own; what counts is read from the jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def save_server(self, guild_id: int, budget: ServerBudget) -> None:
        """Keep a server's budget in place of an older one."""
        rule = budget.rule
        values = {
            "videos": rule.videos,
            "seconds": rule.seconds,
            "per": rule.per.value,
            "paused": budget.paused,
        }
        await self._database.replace(server_budgets, {"guild_id": guild_id}, values)

    async def servers(self) -> list[tuple[int, ServerBudget]]:
        """Return the budgets of all servers."""
        return await self._database.read(server_budgets.select(), _row_to_server, self._limits.startup)

    async def find_exceeded(
        self, budgets: Sequence[Budget], needed: int, now: datetime
    ) -> BudgetExceeded | None:
        """Return why a video of so many seconds would not fit now, None if it would; take nothing."""
        if not budgets:
            return None
        return await self._database.look(lambda connection: _find_exceeded(connection, budgets, needed, now))

    async def count(self, budgets: Sequence[Budget], now: datetime) -> list[BudgetStatus]:
        """Return what is used of budgets."""
        c, found = jobs.c, []
        for budget in budgets:
            query = sa.select(
                sa.func.count(), sa.func.coalesce(sa.func.sum(c.duration), 0), sa.func.min(c.created_at)
            ).where(_counts(budget, now))
            rows: Sequence[Any] = await self._database.rows(query, self._limits.background)
            videos, seconds, oldest = rows[0]
            frees = None if oldest is None else to_moment(oldest) + budget.rule.per.length
            found.append(BudgetStatus(budget, videos, seconds, frees))
        return found

    async def save_warning(self, warning: BudgetWarning) -> None:
        """Keep a warning in place of an older one about the same."""
        key = {
            "scope": warning.scope.value,
            "guild_id": warning.guild_id or 0,
            "level": int(warning.level),
        }
        values = {"at": to_micros(warning.at), "told": warning.told}
        await self._database.replace(budget_warnings, key, values)

    async def warnings(self) -> list[BudgetWarning]:
        """Return the latest warning of each kind."""
        return await self._database.read(budget_warnings.select(), _row_to_warning, self._limits.startup)


async def reserve_budget(
    connection: AsyncConnection, budgets: Sequence[Budget], needed: int, now: datetime
) -> BudgetExceeded | None:
    """Return why a video of so many seconds does not fit, or None: then the same transaction must insert it.

    Whoever asks holds the right to reserve until the transaction ends, in all processes on this database.
    """
    if budgets and connection.dialect.name == "postgresql":
        # SQLite lets one transaction write at a time; Postgres would count without each other's rows.
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(RESERVING)))
    return await _find_exceeded(connection, budgets, needed, now)


async def _find_exceeded(
    connection: AsyncConnection, budgets: Sequence[Budget], needed: int, now: datetime
) -> BudgetExceeded | None:
    for budget in budgets:
        counted = _counts(budget, now)
        if not await _fits(connection, budget.rule, counted, needed):
            query = sa.select(jobs.c.id, jobs.c.quota_guild_id, jobs.c.duration, jobs.c.created_at).where(
                counted
            )
            rows = (await connection.execute(query.order_by(jobs.c.created_at))).all()
            exceeded = find_exceeded(budget, [_row_to_use(row) for row in rows], needed)
            if exceeded is not None:
                return exceeded
    return None


async def _fits(connection: AsyncConnection, rule: Rule, counted: Any, needed: int) -> bool:
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(jobs.c.duration), 0)).where(counted)
    videos, seconds = (await connection.execute(query)).one()
    return (rule.videos is None or videos < rule.videos) and (
        rule.seconds is None or seconds + needed <= rule.seconds
    )


def _counts(budget: Budget, now: datetime) -> sa.ColumnElement[bool]:
    """Return what selects the jobs that count towards a budget."""
    since = to_micros(now - budget.rule.per.length)
    return sa.and_(jobs.c.created_at > since, _BILLABLE, _in_place(budget))


def _in_place(budget: Budget) -> sa.ColumnElement[bool]:
    match budget.scope:
        case BudgetScope.BOT:
            return sa.true()
        case BudgetScope.DIRECT:
            return jobs.c.quota_guild_id.is_(None)
        case BudgetScope.SERVER | BudgetScope.OWN:
            return jobs.c.quota_guild_id == budget.guild_id


def _row_to_server(row: sa.Row[Any]) -> tuple[int, ServerBudget]:
    return row.guild_id, ServerBudget(Rule(row.videos, row.seconds, Period(row.per)), row.paused)


def _row_to_warning(row: sa.Row[Any]) -> BudgetWarning:
    return BudgetWarning(
        BudgetScope(row.scope),
        row.guild_id or None,
        WarningLevel(row.level),
        to_moment(row.at),
        row.told,
    )


def _row_to_use(row: Any) -> BudgetUse:
    return BudgetUse(row.id, row.quota_guild_id, row.duration, to_moment(row.created_at))

"""Quotas: rules and resets as moderators made them, and what jobs have used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.models.jobs import Charge
from bot.models.quotas import Period, Rule, Scope
from bot.models.states import REFUNDING, Reason, State, is_in_vain
from bot.storage.database import Database
from bot.storage.schema import jobs, quota_resets, quota_rules, to_micros, to_moment


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A quota rule of a server, as it was set."""

    guild_id: int
    scope: Scope
    target_id: int | None
    rule: Rule


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

    async def resets(self) -> list[QuotaReset]:
        """Return the latest reset of each member."""
        return await self._database.read(quota_resets.select(), _row_to_reset, self._limits.startup)

    async def uses(self, since: datetime) -> list[QuotaUse]:
        """Return what counts towards quotas: jobs after this moment, and older ones that are still held."""
        c = jobs.c
        counts = sa.or_(c.created_at > to_micros(since), c.charge == Charge.HELD)
        query = (
            sa.select(c.id, c.quota_guild_id, c.user_id, c.duration, c.created_at, c.charge)
            .where(c.charge != Charge.REFUNDED, counts)
            .order_by(c.created_at, c.id)
        )
        return await self._database.read(query, _row_to_use, self._limits.startup)

    async def attempts(self, since: datetime) -> list[Attempt]:
        """Return the requests after this moment that GMI got and that came to nothing."""
        c = jobs.c
        query = sa.select(
            c.id, c.quota_guild_id, c.user_id, c.created_at, c.state, c.reason, c.request_id
        ).where(c.state.in_(sorted(REFUNDING)), c.created_at > to_micros(since))
        found = await self._database.read(query, _row_to_attempt, self._limits.startup)
        return [attempt for attempt in found if attempt is not None]


def _rule_key(guild_id: int, scope: Scope, target_id: int | None) -> dict[str, Any]:
    return {"guild_id": guild_id, "scope": scope.value, "target_id": target_id or 0}


def _row_to_rule(row: sa.Row[Any]) -> StoredRule:
    rule = Rule(row.videos, row.seconds, Period(row.per), row.at_once)
    return StoredRule(row.guild_id, Scope(row.scope), row.target_id or None, rule)


def _row_to_reset(row: sa.Row[Any]) -> QuotaReset:
    return QuotaReset(row.guild_id, row.user_id, to_moment(row.at))


def _row_to_use(row: sa.Row[Any]) -> QuotaUse:
    at = to_moment(row.created_at)
    return QuotaUse(row.id, row.quota_guild_id, row.user_id, row.duration, at, Charge(row.charge))


def _row_to_attempt(row: sa.Row[Any]) -> Attempt | None:
    reason = Reason(row.reason) if row.reason else None
    if not is_in_vain(State(row.state), reason, row.request_id):
        return None
    return Attempt(row.id, row.quota_guild_id, row.user_id, to_moment(row.created_at))

"""Changes of rules, and where in a server's log the entry of each job stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from bot.models.moderation import ChangeKind, RuleChange
from bot.models.states import OPEN
from bot.storage.columns import to_micros, to_moment
from bot.storage.database import Database
from bot.storage.schema import jobs, log_entries, rule_changes


class Shown(StrEnum):
    """What an entry shows of its job. The values are stored."""

    OPEN = "open"
    ENDED = "ended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """The entry of a job in a server's log."""

    job_id: int
    channel_id: int
    message_id: int
    shows: Shown


class ModerationLogStore:
    """Keeps what moderators changed, and finds entries again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def save_change(self, change: RuleChange) -> None:
        """Keep a change."""
        values = {
            "guild_id": change.guild_id,
            "by_id": change.by_id,
            "at": to_micros(change.at),
            "kind": change.kind.value,
            "target": change.target,
            "before": change.before,
            "after": change.after,
        }
        await self._database.write(self._limits.interactive, rule_changes.insert().values(**values))

    async def changes(self, guild_id: int, limit: int) -> list[RuleChange]:
        """Return the latest changes of a server, the latest first."""
        query = rule_changes.select().where(rule_changes.c.guild_id == guild_id)
        return await self._database.read(
            query.order_by(rule_changes.c.id.desc()).limit(limit), _row_to_change
        )

    async def save_entries(self, entries: Collection[LogEntry]) -> None:
        """Keep where entries stand, each in place of an older one of its job."""
        ids = [entry.job_id for entry in entries]
        rows = [
            {
                "job_id": entry.job_id,
                "channel_id": entry.channel_id,
                "message_id": entry.message_id,
                "shows": entry.shows.value,
            }
            for entry in entries
        ]
        older = log_entries.delete().where(log_entries.c.job_id.in_(ids))
        await self._database.write(self._limits.background, older, log_entries.insert().values(rows))

    async def remove_message(self, message_id: int) -> None:
        """Forget the entries of a message that is gone."""
        gone = log_entries.delete().where(log_entries.c.message_id == message_id)
        await self._database.write(self._limits.background, gone)

    async def entries(self, job_ids: Collection[int]) -> list[LogEntry]:
        """Return the entries of these jobs."""
        return await self._entries(log_entries.c.job_id.in_(job_ids))

    async def entries_of_message(self, message_id: int) -> list[LogEntry]:
        """Return the entries that stand in one message, oldest first."""
        return await self._entries(log_entries.c.message_id == message_id)

    async def outdated(self) -> list[LogEntry]:
        """Return the entries that don't show yet that their job has ended or was deleted."""
        not_deleted = log_entries.c.shows != Shown.DELETED.value
        deleted = log_entries.c.job_id.in_(sa.select(jobs.c.id).where(jobs.c.deleted_at.is_not(None)))
        ended = log_entries.c.job_id.in_(sa.select(jobs.c.id).where(jobs.c.state.not_in(sorted(OPEN))))
        is_open = log_entries.c.shows == Shown.OPEN.value
        return await self._entries(sa.or_(sa.and_(not_deleted, deleted), sa.and_(is_open, ended)))

    async def _entries(self, condition: sa.ColumnElement[bool]) -> list[LogEntry]:
        query = log_entries.select().where(condition).order_by(log_entries.c.job_id)
        return await self._database.read(query, _row_to_entry, self._limits.background)


def _row_to_change(row: sa.Row[Any]) -> RuleChange:
    return RuleChange(
        row.guild_id, row.by_id, to_moment(row.at), ChangeKind(row.kind), row.target, row.before, row.after
    )


def _row_to_entry(row: sa.Row[Any]) -> LogEntry:
    return LogEntry(row.job_id, row.channel_id, row.message_id, Shown(row.shows))

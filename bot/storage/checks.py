"""What can be wrong with the rows of a database, counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.models.jobs import Charge
from bot.models.states import Reason, State
from bot.storage.database import Database
from bot.storage.jobs import unfinished_ids
from bot.storage.schema import drafts, jobs, pending_replies, quota_rules


@dataclass(frozen=True, slots=True)
class RowCounts:
    """How much a database holds."""

    jobs: int
    unfinished: int
    replies: int
    drafts: int
    rules: int


async def count_rows(database: Database) -> RowCounts:
    """Count what a database holds. Raises StorageUnavailable or StorageFault."""

    async def count(query: sa.Select[Any]) -> int:
        return int((await database.rows(query, database.limits.startup))[0][0])

    def all_of(table: sa.Table) -> sa.Select[Any]:
        return sa.select(sa.func.count()).select_from(table)

    return RowCounts(
        jobs=await count(all_of(jobs)),
        unfinished=await count(all_of(jobs).where(jobs.c.id.in_(unfinished_ids()))),
        replies=await count(all_of(pending_replies)),
        drafts=await count(all_of(drafts)),
        rules=await count(all_of(quota_rules)),
    )


async def unknown_values(database: Database) -> list[str]:
    """Return what jobs say that this version of the bot does not know, with how many say it."""
    found = []
    for column, kind in (("state", State), ("charge", Charge), ("reason", Reason)):
        known = [member.value for member in kind]
        query = (
            sa.select(jobs.c[column].label("value"), sa.func.count().label("number"))
            .where(jobs.c[column].is_not(None), jobs.c[column].not_in(known))
            .group_by(jobs.c[column])
        )
        found += [
            f"{row.number:,} jobs have the {column} {row.value!r}"
            for row in await database.rows(query, database.limits.startup)
        ]
    return found

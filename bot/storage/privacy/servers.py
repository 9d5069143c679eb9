"""Which servers the bot has left, and what their moderators had set."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.storage.cast_tables import cast_shares
from bot.storage.columns import to_micros
from bot.storage.database import Database
from bot.storage.schema import (
    budget_warnings,
    departures,
    filter_entries,
    jobs,
    log_entries,
    member_blocks,
    quota_resets,
    quota_rules,
    rule_changes,
    server_budgets,
    server_settings,
)

RULES = (quota_rules, server_budgets, quota_resets, budget_warnings)
MODERATION = (member_blocks, filter_entries, server_settings, rule_changes)


class ServerStore:
    """The rules of servers as a whole."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def known(self) -> set[int]:
        """Return the servers that have rules, or that something is shared with."""
        tables = (*RULES, *MODERATION, cast_shares)
        query = sa.union(*(sa.select(table.c.guild_id) for table in tables))
        rows = await self._database.rows(sa.select(query.subquery().c.guild_id), self._limits.startup)
        return {row.guild_id for row in rows if row.guild_id}  # 0 is no server

    async def note_departure(self, guild_id: int, at: datetime) -> None:
        """Keep when the bot was removed from a server, unless that is known."""
        gone = departures.c.guild_id == guild_id
        new = sa.select(sa.literal(guild_id), sa.literal(to_micros(at))).where(~sa.exists().where(gone))
        await self._database.write(
            self._limits.background, departures.insert().from_select(["guild_id", "at"], new)
        )

    async def cancel_departures(self, guild_ids: set[int]) -> None:
        """Forget that the bot was removed from servers: it is back."""
        for guild_id in guild_ids & {left for left, _ in await self._departures()}:
            await self._database.write(
                self._limits.background, departures.delete().where(departures.c.guild_id == guild_id)
            )

    async def left_before(self, moment: datetime) -> list[int]:
        """Return the servers that the bot was removed from before this moment."""
        return [guild_id for guild_id, at in await self._departures() if at < to_micros(moment)]

    async def erase(self, guild_id: int) -> None:
        """Erase the quotas and budgets of a server, and that the bot was removed from it."""
        tables = (*RULES, departures)
        await self._database.write(
            self._limits.interactive,
            *(table.delete().where(table.c.guild_id == guild_id) for table in tables),
        )

    async def erase_moderation(self, guild_id: int) -> None:
        """Erase what moderators decided about their server, and which messages its log consists of."""
        of_server = sa.select(jobs.c.id).where(jobs.c.quota_guild_id == guild_id)
        await self._database.write(
            self._limits.interactive,
            log_entries.delete().where(log_entries.c.job_id.in_(of_server)),
            *(table.delete().where(table.c.guild_id == guild_id) for table in MODERATION),
        )

    async def _departures(self) -> list[tuple[int, int]]:
        rows = await self._database.rows(departures.select(), self._limits.background)
        return [(row.guild_id, row.at) for row in rows]

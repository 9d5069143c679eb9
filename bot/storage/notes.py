"""Notes: single texts under a name, such as what the bot has learned."""

from __future__ import annotations

from bot.storage.database import Database
from bot.storage.schema import notes


class NoteStore:
    """One text for each name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        """Return the text that was saved under this name."""
        rows = await self._database.rows(
            notes.select().where(notes.c.name == name), self._database.limits.startup
        )
        return rows[0].value if rows else None

    async def save(self, name: str, value: str) -> None:
        """Keep a text under a name, in place of an older one."""
        await self._database.replace(notes, {"name": name}, {"value": value})

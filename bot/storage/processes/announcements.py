"""What concerns every process at once, such as a pause that GMI Cloud asked for: the latest word about it.

How long it holds counts on the database's clock: the clocks of machines may differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from bot.storage.database import Database
from bot.storage.leases import database_now
from bot.storage.processes.hints import ANNOUNCED, tell
from bot.storage.schema import announcements

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Announcement:
    """The latest word about something, and for how many seconds it still holds."""

    subject: str
    value: str
    seconds: float
    serial: str = ""  # by which the same one is recognized


class AnnouncementStore:
    """One row for each subject; on Postgres only, where processes share the work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def announce(self, subject: str, value: str, seconds: float, *, keep_longer: bool = False) -> str:
        """Announce something in place of what was announced before, and return its serial.

        Where the longer one is to be kept, an earlier announcement that ends later stays.
        """
        serial = uuid4().hex
        until = database_now(self._database.dialect) + round(seconds * _MICROS)
        values = {"serial": serial, "value": value, "until": until}
        statement = postgresql.insert(announcements).values(subject=subject, **values)
        shorter = announcements.c.until < statement.excluded.until if keep_longer else None
        upsert = statement.on_conflict_do_update(index_elements=["subject"], set_=values, where=shorter)
        await self._database.write(self._limits.background, upsert, tell(ANNOUNCED))
        return serial

    async def current(self) -> list[Announcement]:
        """Return every announcement that still holds."""
        left = announcements.c.until - database_now(self._database.dialect)
        query = sa.select(announcements, left.label("left")).where(left > 0)
        return await self._database.read(query, _row_to_announcement)


def _row_to_announcement(row: sa.Row[Any]) -> Announcement:
    return Announcement(row.subject, row.value, row.left / _MICROS, row.serial)

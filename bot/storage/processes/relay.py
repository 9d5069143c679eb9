"""What a click asks of a job that another process owns, and what came of it: a row until that is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.storage.database import Database
from bot.storage.leases import database_now
from bot.storage.processes.hints import ASKED, tell
from bot.storage.schema import relayed_actions

_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class RelayedAction:
    """One action that is asked of the process that owns a job."""

    id: str
    job_id: int
    shard: int  # of the job
    action: str
    content: dict[str, Any]

    def __repr__(self) -> str:
        """Leave the content out: it can hold an interaction's token."""
        return f"RelayedAction({self.action} of job {self.job_id})"


class RelayStore:
    """One row for each action; on Postgres only, where processes share the work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits

    async def ask(self, action: RelayedAction, seconds: float) -> None:
        """Write an action that its owner may do within so many seconds.

        After StorageUnavailable it may be there all the same.
        """
        values = {
            "id": action.id,
            "job_id": action.job_id,
            "shard": action.shard,
            "action": action.action,
            "content": action.content,
            "until": self._now() + round(seconds * _MICROS),
        }
        statement = relayed_actions.insert().values(values)
        await self._database.write(self._limits.interactive, statement, tell(ASKED))

    async def asked(self) -> list[RelayedAction]:
        """Return every action that nobody has answered and that may still be done."""
        c = relayed_actions.c
        query = relayed_actions.select().where(c.answer.is_(None), c.until > self._now()).order_by(c.until)
        return await self._database.read(query, _row_to_action)

    async def answer(self, action_id: str, answer: str) -> None:
        """Write what came of an action."""
        statement = relayed_actions.update().where(relayed_actions.c.id == action_id).values(answer=answer)
        await self._database.write(self._limits.background, statement, tell(action_id))

    async def answer_to(self, action_id: str) -> str | None:
        """Return what came of an action, None as long as nobody has said."""
        query = sa.select(relayed_actions.c.answer).where(relayed_actions.c.id == action_id)
        rows = await self._database.rows(query)
        return rows[0].answer if rows else None

    async def remove(self, action_id: str) -> None:
        """Remove an action whose answer was read."""
        statement = relayed_actions.delete().where(relayed_actions.c.id == action_id)
        await self._database.write(self._limits.interactive, statement)

    async def remove_old(self) -> int:
        """Remove the actions that nobody may do any more, and return how many those were."""
        statement = relayed_actions.delete().where(relayed_actions.c.until <= self._now())
        return await self._database.write(self._limits.background, statement)

    def _now(self) -> sa.ColumnElement[int]:
        return database_now(self._database.dialect)


def _row_to_action(row: sa.Row[Any]) -> RelayedAction:
    return RelayedAction(row.id, row.job_id, row.shard, row.action, dict(row.content))

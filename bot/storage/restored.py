"""What a restored database must not take for certain: things went on after the backup was made."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from bot.models.states import State
from bot.storage.database import Database
from bot.storage.schema import jobs, notes, pending_replies

REGISTERED = "commands of %"  # the names of notes that say which commands Discord has


@dataclass(frozen=True, slots=True)
class Marked:
    """How much of a restored database is in doubt."""

    unsent: int  # jobs that may have been sent since
    replies: int  # commands of which nobody knows what became


async def mark_restored(database: Database) -> Marked:
    """Write into a database from a backup what nobody can know of it any more.

    A job that waits to be sent may have been sent since: without its moment it is one whose POST is in doubt,
    which is looked for at GMI and never sent. A pending reply may have become a job: its message may show a
    video by now, so its place is forgotten, and its member reads elsewhere that it is not known. The
    commands that Discord has may be those of another version: they are registered again.
    """
    waiting = sa.and_(jobs.c.state == State.SUBMITTING.value, jobs.c.request_id.is_(None))
    in_doubt = (
        jobs.update()
        .where(waiting)
        .values(waiting_until=None, reason=None, detail=None, revision=jobs.c.revision + 1)
    )
    unplaced = pending_replies.update().values(message_id=None, token=None, token_expires=None)
    seconds = database.limits.startup
    return Marked(
        unsent=await database.write(seconds, in_doubt),
        replies=await database.write(seconds, unplaced, notes.delete().where(notes.c.name.like(REGISTERED))),
    )

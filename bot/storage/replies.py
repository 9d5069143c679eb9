"""Pending replies: acknowledged commands whose job has not started yet; a crash must not forget them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from structlog.contextvars import clear_contextvars

from bot.models.jobs import CardLocation, PendingReply
from bot.models.languages import stored_language
from bot.models.shards import ALL, Share
from bot.storage.columns import optional_micros, optional_moment
from bot.storage.database import Database
from bot.storage.errors import StorageFault, StorageUnavailable
from bot.storage.schema import pending_replies
from bot.storage.shares import belongs_to

log = logging.getLogger(__name__)

BATCH = 500  # changes in one commit; a statement has at most 32,766 values [SQLite], a reply has ten


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """A reply to be added, or one to be removed, and who waits for it."""

    reply_id: int
    reply: PendingReply | None  # None: it is to be removed
    done: asyncio.Future[None]


class PendingReplyStore:
    """Pending replies, written in the order in which they came.

    What comes while the disk is busy shares one commit: a burst must not queue for it one by one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limits = database.limits
        self._queue: list[_Change] = []
        self._writer: asyncio.Task[None] | None = None
        self._leftover: set[int] = set()  # that may be on disk, and are removed with the next commit

    async def add(self, reply: PendingReply) -> None:
        """Keep a pending reply.

        Raises StorageUnavailable if that takes too long; should it arrive later, it is removed.
        """
        try:
            await self._change(reply.id, reply)
        except StorageUnavailable:
            self._leftover.add(reply.id)
            raise

    async def remove(self, reply_id: int) -> None:
        """Remove a pending reply; while storage is in trouble that is made up for later."""
        try:
            await self._change(reply_id, None)
        except (StorageUnavailable, StorageFault) as trouble:
            log.warning("A pending reply is not removed yet (%s)", trouble)
            self._leftover.add(reply_id)

    async def all(self, share: Share = ALL) -> list[PendingReply]:
        """Return all pending replies of these shards, by id."""
        theirs = belongs_to(pending_replies.c.shard, share)
        query = pending_replies.select().where(theirs).order_by(pending_replies.c.id)
        return await self._database.read(query, _row_to_reply, self._limits.startup)

    async def close(self) -> None:
        """Make a last attempt to remove what was not removed yet."""
        if self._leftover:
            statement = pending_replies.delete().where(pending_replies.c.id.in_(self._leftover))
            with contextlib.suppress(StorageUnavailable, StorageFault):
                await self._database.write(self._limits.close, statement)
                self._leftover.clear()

    async def _change(self, reply_id: int, reply: PendingReply | None) -> None:
        done = asyncio.get_running_loop().create_future()
        self._queue.append(_Change(reply_id, reply, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all(), name="write pending replies")
        await asyncio.wait({done}, timeout=self._limits.interactive)
        if not done.done():
            done.cancel()
            raise StorageUnavailable("TimeoutError")
        done.result()

    async def _write_all(self) -> None:
        clear_contextvars()  # it writes for everybody: its lines in the log belong to no job
        while self._queue:
            batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
            outcome: Exception | None = None
            try:
                await self._write(batch)
            except Exception as error:
                outcome = error
            for change in batch:
                if change.done.done():  # who asked has given up
                    continue
                if outcome is None:
                    change.done.set_result(None)
                else:
                    change.done.set_exception(outcome)

    async def _write(self, batch: list[_Change]) -> None:
        leftover = set(self._leftover)
        # Who has given up meanwhile wants nothing added any more; removals are made all the same.
        latest = {
            change.reply_id: change.reply
            for change in batch
            if change.reply is None or not change.done.done()
        }
        rows = [_reply_to_row(reply) for reply in latest.values() if reply is not None]
        statements: list[sa.Executable] = [
            pending_replies.delete().where(pending_replies.c.id.in_([*latest, *leftover]))
        ]
        if rows:
            statements.append(pending_replies.insert().values(rows))
        await self._database.write(self._limits.interactive, *statements)
        self._leftover -= leftover


def _reply_to_row(reply: PendingReply) -> dict[str, Any]:
    location = reply.location
    return {
        "id": reply.id,
        "user_id": reply.user_id,
        "guild_id": location.guild_id,
        "channel_id": location.channel_id,
        "message_id": location.message_id,
        "token": location.token,
        "token_expires": optional_micros(location.token_expires),
        "private": location.private,
        "language": location.language.value,
        "shard": reply.shard,
    }


def _row_to_reply(row: sa.Row[Any]) -> PendingReply:
    location = CardLocation(
        channel_id=row.channel_id,
        guild_id=row.guild_id,
        message_id=row.message_id,
        token=row.token,
        token_expires=optional_moment(row.token_expires),
        private=row.private,
        language=stored_language(row.language),
    )
    return PendingReply(row.id, row.user_id, location, row.shard)

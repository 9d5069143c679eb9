"""`python -m bot restore FILE`: put a backup in the place of the database, while the bot is stopped.

Between the backup and now requests may have been sent, videos delivered, messages changed. So nothing of the
backup is sent: see `mark_restored`. And no request is matched by its time alone any more: those of jobs that
the backup does not have are in GMI's list too.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime
from pathlib import Path

from bot.clock import SystemClock
from bot.maintenance.address import database_url, file_of, server_arguments
from bot.maintenance.problems import CommandFailed
from bot.maintenance.verify import PATIENT, check_file, describe
from bot.polling.matching import NOTE
from bot.storage import sqlite_file
from bot.storage.file_lock import FileLock
from bot.storage.restored import Marked, mark_restored
from bot.storage.storage import Storage

RUNNING = "The bot is running on this database, so nothing was changed. Stop it first, then restore."


def restore(file: Path) -> str:
    """Put a backup in the place of the database; return what to tell the operator.

    Raises CommandFailed; then the database is as it was.
    """
    url = database_url()
    database = file_of(url)
    if database is None:
        raise CommandFailed(
            "This database is on a Postgres server. Stop the bot, then restore it with: "
            f"pg_restore --clean --if-exists {server_arguments(url)} {file}"
        )
    if not file.is_file():
        raise CommandFailed(f"There is no file {file}.")
    lock = FileLock(database)
    try:
        if not lock.acquire():
            raise CommandFailed(RUNNING)
        if database.exists() and file.samefile(database):
            raise CommandFailed(f"{file} is the database itself. Name a backup.")
        return _replace(file, database)
    except sqlite_file.NotUsable as error:
        raise CommandFailed(f"Nothing was changed. {error}") from None
    except OSError as error:
        raise CommandFailed(f"The backup could not be restored: {error.strerror}.") from None
    finally:
        lock.release()


def _replace(file: Path, database: Path) -> str:
    """Check and mark a copy of the backup, and only then put it in the database's place."""
    now = SystemClock().now()
    fresh = database.with_name(f"{database.name}.restore-{os.getpid()}")
    try:
        sqlite_file.copy(file, fresh)
        found = asyncio.run(check_file(fresh, file))
        if found.problems or found.counts is None:
            raise CommandFailed("\n".join(["Nothing was changed. The backup has problems:", *found.problems]))
        replaced = database.exists()
        deleted = sqlite_file.carry_deletions(fresh, database) if replaced else None
        marked = asyncio.run(_mark(fresh, now))
        sqlite_file.close_log(fresh)
        kept = database.with_name(f"{database.name}.before-restore-{now:%Y%m%dT%H%M%S}")
        sqlite_file.put_in_place(fresh, database, kept)
    finally:
        for suffix in ("", "-wal", "-shm"):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    lines = [f"The backup is restored. {describe(found.counts)}"]
    if marked.unsent:
        lines.append(
            f"{marked.unsent:,} requests may have been sent since the backup: the bot looks for them at "
            "GMI Cloud, and doesn't send them again."
        )
    if deleted:
        lines.append(f"Jobs that were deleted since the backup, and stay deleted: {deleted:,}.")
    elif deleted is None:
        lines.append(
            "What members deleted since the backup is not known: it's back, until it is deleted again."
        )
    if replaced:
        lines.append(f"The database of before is kept as {kept}. Delete it when you don't need it any more.")
    return "\n".join(lines)


async def _mark(path: Path, now: datetime) -> Marked:
    storage = await Storage.open(f"sqlite+aiosqlite:///{path}", PATIENT)
    try:
        await storage.notes.save(NOTE, now.isoformat())
        return await mark_restored(storage.database)
    finally:
        await storage.close()

"""A database of SQLite as a file: copied while it is used, checked, and put in the place of another one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bot.storage.engine import revisions

BUSY_SECONDS = 30.0  # that a copy waits for a writer


class NotUsable(Exception):  # noqa: N818 - it names what happened
    """A file is no database of this bot, or damaged; the text is one sentence for the operator."""


def copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, also while a bot writes to it. Raises NotUsable.

    The target must not exist; it is complete and on disk when this returns, and nobody else may read it.
    """
    if not source.is_file():
        raise NotUsable(f"There is no file {source}.")
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with _connect(source) as original, _connect(target) as written:
            original.execute("SELECT count(*) FROM sqlite_master").fetchone()
            # In one step: what is written meanwhile goes to the log and does not begin the copy again.
            original.backup(written, pages=-1)
            written.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as error:
        raise NotUsable(_why(source, error)) from None
    sync(target)


def damage(path: Path, most: int = 5) -> list[str]:
    """Return what SQLite finds wrong with a file, at most so many lines; nothing where it is fine."""
    try:
        with _connect(path) as connection:
            found = connection.execute(f"PRAGMA integrity_check({most})").fetchall()
    except sqlite3.Error as error:
        return [_why(path, error)]
    return [str(row[0]) for row in found if row[0] != "ok"]


def revision_problem(path: Path) -> str | None:
    """Return why this version of the bot cannot use the tables of a file, as one sentence; None if it can."""
    try:
        with _connect(path) as connection:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            if "jobs" not in tables:
                return f"{path} is a database, but not one of this bot."
            if "alembic_version" not in tables:
                return None  # the first version had none
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        return _why(path, error)
    if row is not None and row[0] not in revisions():
        return f"{path} was made by a newer version of this bot. Update the bot first."
    return None


def carry_deletions(fresh: Path, current: Path) -> int | None:
    """Take over which jobs were deleted since a backup, so that it brings none of them back; return how many.

    None where the current database cannot be read, or has other tables.
    """
    try:
        with _connect(fresh) as connection:
            connection.execute("ATTACH ? AS current", (str(current),))
            names = [
                {row[1] for row in connection.execute(f"PRAGMA {schema}.table_info(jobs)")}
                for schema in ("main", "current")
            ]
            if names[0] != names[1]:
                return None
            columns = ", ".join(sorted(names[0]))
            carried = connection.execute(
                f"INSERT OR REPLACE INTO main.jobs ({columns}) SELECT {columns} FROM current.jobs"  # noqa: S608 - of our tables
                " WHERE deleted_at IS NOT NULL AND id IN (SELECT id FROM main.jobs WHERE deleted_at IS NULL)"
            )
            return carried.rowcount
    except sqlite3.Error:
        return None


def put_in_place(fresh: Path, database: Path, kept: Path) -> None:
    """Put a finished copy in the place of a database, and keep the one that was there under another name.

    At each moment there is a database under its name, the old one or the new one. Raises OSError.
    """
    if database.exists():
        close_log(database)
        os.link(database, kept)
        for suffix in ("-wal", "-shm"):
            # What a damaged database could not take in; beside the new one it would be taken for its log.
            leftover = database.with_name(database.name + suffix)
            if leftover.exists():
                leftover.replace(kept.with_name(kept.name + suffix))
    fresh.replace(database)
    sync(database.parent)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk itself."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def close_log(database: Path) -> None:
    """Take the log of a database into its file, as far as it can be read."""
    try:
        with _connect(database) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error:
        return  # damaged: its log is kept beside it


@contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a file that is there."""
    address = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS)) as connection:
        connection.isolation_level = None
        yield connection


def _why(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "not a database" in text:
        return f"{path} is not a database."
    if "malformed" in text or "disk image" in text:
        return f"{path} is damaged: {text}."
    return f"{path} could not be read: {text}."

"""What a database does when it is in trouble."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no commit succeed."""

    def refuse(_: sa.Connection) -> None:
        raise OSError("no space left on device")

    sa.event.listen(sa.Engine, "commit", refuse)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "commit", refuse)


@contextmanager
def pages_at_most(count: int) -> Iterator[None]:
    """Let SQLite's file grow no further, on whichever connection."""

    def limit(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={count}")

    sa.event.listen(sa.Engine, "begin", limit)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, "begin", limit)


@contextmanager
def another_writer(file: Path) -> Iterator[None]:
    """Hold SQLite's write lock, as a backup or a repair tool does."""
    lock = sqlite3.connect(file, timeout=0)
    lock.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        lock.close()

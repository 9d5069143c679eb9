"""An empty database of either kind, and a way to make it fail."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.storage.storage import Storage
from fakes import postgres

Faults = Callable[[], AbstractContextManager[None]]


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}"
    server = postgres.shared()
    return server.url(await server.create())


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    opened = await Storage.open(url)
    yield opened
    await opened.close()


@pytest.fixture
def full_disk() -> Faults:
    """Return a block in which no commit succeeds."""

    @contextmanager
    def fails() -> Iterator[None]:
        def refuse(_: sa.Connection) -> None:
            raise OSError("no space left on device")

        sa.event.listen(sa.Engine, "commit", refuse)
        try:
            yield
        finally:
            sa.event.remove(sa.Engine, "commit", refuse)

    return fails


@contextmanager
def another_writer(file: Path) -> Iterator[None]:
    """Hold SQLite's write lock, as a backup or a repair tool does."""
    lock = sqlite3.connect(file, timeout=0)
    lock.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        lock.close()

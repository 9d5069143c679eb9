"""The file is written anew without what was deleted, and nobody who writes meanwhile is refused for long."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.storage.privacy.compaction import MEBIBYTE
from bot.storage.schema import notes
from bot.storage.storage import Storage, StorageUnavailable
from tests.unit.storage.faults import another_writer

TEXT = "a text that nobody needs " * 4000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vidu.db"


@pytest.fixture
def url(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def size(file: Path) -> int:
    return file.stat().st_size


async def fill(storage: Storage) -> None:
    rows = [{"name": f"{number}", "value": TEXT} for number in range(100)]
    async with storage.database.transaction() as connection:
        await connection.execute(notes.insert(), rows)
    await storage.database.write(20.0, notes.delete())


async def test_a_file_shrinks_and_its_log_is_empty(storage: Storage, file: Path) -> None:
    await fill(storage)
    storage.compaction.request()
    assert storage.compaction.soon.is_set()
    assert await storage.compaction.compact()
    assert size(file) < MEBIBYTE
    assert size(file.with_name("vidu.db-wal")) == 0
    assert not storage.compaction.wanted
    assert storage.compaction.is_small()


async def test_who_writes_meanwhile_comes_right_after(storage: Storage) -> None:
    await fill(storage)
    compacting = asyncio.create_task(storage.compaction.compact())
    for number in range(20):
        await storage.notes.save(f"note {number}", "a value")
        assert await storage.notes.get(f"note {number}") == "a value"
    assert await compacting


async def test_while_somebody_else_has_the_file_it_stays_wanted(storage: Storage, file: Path) -> None:
    with another_writer(file), pytest.raises(StorageUnavailable):
        await storage.compaction.compact()
    assert storage.compaction.wanted
    assert await storage.compaction.compact()


async def test_a_stop_breaks_it_off_and_leaves_the_file_whole(storage: Storage) -> None:
    await fill(storage)
    await storage.notes.save("a name", "a value")
    compacting = asyncio.create_task(storage.compaction.compact())
    await asyncio.sleep(0)  # until the thread has begun
    compacting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await compacting
    assert await storage.notes.get("a name") == "a value"
    await storage.notes.save("a name", "another value")


async def test_the_copy_is_made_beside_the_file(storage: Storage, file: Path) -> None:
    assert await storage.compaction.compact()
    with closing(sqlite3.connect(file)) as connection:
        (folder,) = connection.execute("PRAGMA temp_store_directory").fetchone()
    assert folder == str(file.parent)


async def test_a_database_in_memory_has_nothing_to_write_anew() -> None:
    opened = await Storage.open("sqlite+aiosqlite:///:memory:")
    opened.compaction.request()
    assert not opened.compaction.wanted
    await opened.close()

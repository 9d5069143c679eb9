"""A look at an SQLite file: how old it is, without locking, upgrading or making it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.storage.inspection import Age, age_of, can_be_made
from bot.storage.storage import Storage, StorageUnusable


def url_of(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def test_a_file_is_looked_at_beside_somebody_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "a name, with #100% of it?.db"
    assert await age_of(url_of(path)) is Age.ABSENT
    assert not path.exists()
    storage = await Storage.open(url_of(path))
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert await age_of(url_of(path)) is Age.CURRENT
        writer.rollback()
    await storage.close()


@pytest.mark.parametrize(("revision", "age"), [("0001", Age.OLDER), ("9999", Age.NEWER)])
async def test_an_older_or_newer_file_stays_as_it_is(
    revision: str, age: Age, migrated_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "vidu.db"
    shutil.copyfile(migrated_file, path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()
    before = path.read_bytes()
    assert await age_of(url_of(path)) is age
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "vidu.db"
    path.write_bytes(b"not a database at all, but long enough to be one " * 100)
    with pytest.raises(StorageUnusable, match="damaged: restore a backup"):
        await age_of(url_of(path))


def test_a_new_file_needs_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert can_be_made(url_of(tmp_path / "vidu.db"))
    assert can_be_made(url_of(tmp_path / "folders" / "to" / "make" / "vidu.db"))
    assert not can_be_made(url_of(tmp_path / "file" / "vidu.db"))
    assert can_be_made("postgresql+asyncpg://vidu@127.0.0.1/vidu")

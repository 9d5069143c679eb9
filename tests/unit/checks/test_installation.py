"""What the checks say of a database, in words."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.checks.findings import Finding, Level
from bot.checks.installation import check_database
from bot.settings import parse


async def look(path: Path) -> Finding:
    url = f"sqlite+aiosqlite:///{path}"
    return await check_database(parse({"discord_token": "fake", "gmi_api_key": "fake", "database_url": url}))


@pytest.mark.parametrize(
    ("revision", "level", "text"),
    [
        (None, Level.OK, "it can be read, and is of this version."),
        (
            "0004",
            Level.WARNING,
            "it was made by an earlier version, and the next start upgrades it. Make a backup first.",
        ),
        (
            "9999",
            Level.FAULT,
            "it was made by a newer version of this bot. Update the bot, or restore a backup.",
        ),
    ],
)
async def test_the_age_of_a_database_is_told(
    revision: str | None, level: Level, text: str, migrated_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "vidu.db"
    shutil.copyfile(migrated_file, path)
    if revision is not None:
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
            database.commit()
    assert await look(path) == Finding(level, "database", text)


async def test_a_database_that_cannot_be_read_or_made_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"not a database at all, but long enough to be one " * 100)
    damaged, unmade = await look(path), await look(path / "vidu.db")
    assert (damaged.level, unmade.level) == (Level.FAULT, Level.FAULT)
    assert "damaged: restore a backup" in damaged.text
    assert "its folder can't be written: check DATABASE_URL" in unmade.text


def test_a_finding_is_one_plain_line() -> None:
    assert str(Finding(Level.OK, "database", "it can be read.")) == "ok       database: it can be read."
    assert str(Finding(Level.WARNING, "model", "it changed.")) == "warning  model: it changed."

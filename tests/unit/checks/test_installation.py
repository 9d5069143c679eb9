"""What the checks say of settings, of a database, and of what Discord and GMI Cloud answer."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from discord.http import Route

from bot.checks.findings import Finding, Level
from bot.checks.installation import check_database, check_installation
from bot.settings import parse
from fakes.clock import WireClock
from fakes.discord.model import GUILD_ID
from fakes.discord.server import DiscordServer
from fakes.gmi import script
from fakes.gmi.cloud import DEMO_KEY, GmiCloud


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


@dataclass
class Installation:
    """The stand-ins that the settings lead to, and the settings."""

    discord: DiscordServer
    cloud: GmiCloud
    environment: pytest.MonkeyPatch

    def set(self, **settings: str) -> None:
        for name, value in settings.items():
            self.environment.setenv(name, value)

    async def check(self) -> list[str]:
        return [" ".join(str(finding).split()) async for finding in check_installation()]


@pytest.fixture
async def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.chdir(tmp_path)  # where there is no .env
    now = WireClock().now
    async with DiscordServer(now=now) as discord, GmiCloud(now=now) as cloud:
        monkeypatch.setattr(Route, "BASE", f"{discord.base_url}/api/v10")
        found = Installation(discord, cloud, monkeypatch)
        found.set(DISCORD_TOKEN=discord.token, GMI_API_KEY=DEMO_KEY, GMI_BASE_URL=cloud.base_url)
        found.set(DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/vidu.db")
        yield found


async def test_every_fault_is_a_line(installation: Installation, tmp_path: Path) -> None:
    installation.discord.refuse_bot_token()
    installation.cloud.fault("GET", "/models/*", script.BAD_KEY)
    (tmp_path / "file").touch()
    installation.set(QUOTA_VIDEO="9", DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/file/vidu.db")

    lines = await installation.check()

    assert [line.partition(":")[0] for line in lines] == [
        "warning settings",
        "ok settings",
        "fault database",
        "fault Discord token",
        "fault GMI Cloud key",
    ]
    assert lines[0] == "warning settings: QUOTA_VIDEO: did you mean QUOTA_VIDEOS?"
    assert "its folder can't be written" in lines[2]
    assert "DISCORD_TOKEN must be the bot's token" in lines[3]
    for secret in (installation.discord.token, DEMO_KEY):
        assert secret not in str(lines)


async def test_all_faults_of_settings_are_named_at_once(installation: Installation) -> None:
    installation.set(QUOTA_VIDEOS="many", LOG_FORMAT="xml", DISCORD_TOKEN="")

    lines = await installation.check()

    assert lines[0] == "fault settings: DISCORD_TOKEN is missing."
    assert lines[1].startswith("fault settings: QUOTA_VIDEOS should be a valid integer")
    assert lines[2].startswith("fault settings: LOG_FORMAT should be 'auto', 'text' or 'json'")
    assert lines[3] == "fault settings: nothing else can be checked until they are right."


async def test_a_database_that_is_not_there_is_not_made(installation: Installation, tmp_path: Path) -> None:
    installation.cloud.fault("GET", "/models/*", script.answer(404, {"error": "model does not exist"}))
    installation.set(ALLOWED_SERVERS=str(GUILD_ID))

    lines = await installation.check()

    assert lines[3].startswith(f"ok access: members may use the bot in these servers: {GUILD_ID}")
    assert lines[1] == "ok database: there is none yet: the first start makes it."
    assert not (tmp_path / "vidu.db").exists()
    assert "GMI Cloud doesn't know vidu-q2-pro-r2v" in lines[-1]


def test_a_finding_is_one_plain_line() -> None:
    assert str(Finding(Level.OK, "database", "it can be read.")) == "ok       database: it can be read."
    assert str(Finding(Level.WARNING, "model", "it changed.")) == "warning  model: it changed."

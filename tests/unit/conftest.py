"""A database of either kind."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.storage import Storage, TimeLimits
from fakes import postgres


@pytest.fixture(params=["sqlite", "postgres"])
async def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}"
    server = postgres.shared()
    return server.url(await server.create())


@pytest.fixture(scope="session")
def templates() -> list[str]:
    """Hold the database of the server that others are copied from, once there is one."""
    return []


@pytest.fixture(params=["sqlite", "postgres"])
async def url(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path, templates: list[str]
) -> str:
    """Return the address of a database with its tables and no rows; to copy one takes a tenth of the time."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{shutil.copyfile(migrated_file, tmp_path / 'vidu.db')}"
    server = postgres.shared()
    if not templates:
        templates.append(await server.create())
        await (await Storage.open(server.url(templates[0]))).close()
    return server.url(await server.create(template=templates[0]))


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    # What these tests show does not depend on how loaded the machine is.
    opened = await Storage.open(url, TimeLimits(interactive=20))
    yield opened
    await opened.close()

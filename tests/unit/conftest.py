"""An empty database of either kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.storage.storage import Storage, TimeLimits
from fakes import postgres


@pytest.fixture(params=["sqlite", "postgres"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}"
    server = postgres.shared()
    return server.url(await server.create())


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    # What these tests show does not depend on how loaded the machine is.
    opened = await Storage.open(url, TimeLimits(interactive=20))
    yield opened
    await opened.close()

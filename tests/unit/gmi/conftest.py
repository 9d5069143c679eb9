"""A client of the stand-in GMI Cloud, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.gmi.client import GmiCloud as Client
from fakes import media
from fakes.gmi.cloud import GmiCloud


async def fetch(_: str) -> bytes:
    return media.picture()


@pytest.fixture
async def server() -> AsyncIterator[GmiCloud]:
    async with GmiCloud(fetch=fetch, render=media.render_quickly) as running:
        yield running


@pytest.fixture
async def client(server: GmiCloud) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, server.base_url, "demo-key-not-secret", "org-1")

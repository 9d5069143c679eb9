"""The stage of the tests of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fakes import media
from fakes.gmi.cloud import GmiCloud
from tests.unit.jobs.stage import QuickClock, Stage, open_stage


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def gmi(quick: QuickClock) -> AsyncIterator[GmiCloud]:
    async def fetch(url: str) -> bytes:
        return media.picture()

    async with GmiCloud(now=quick.now, fetch=fetch, render=media.render_quickly) as running:
        yield running


@pytest.fixture
async def stage(database_url: str, gmi: GmiCloud, quick: QuickClock) -> AsyncIterator[Stage]:
    async with open_stage(database_url, gmi, quick) as opened:
        yield opened

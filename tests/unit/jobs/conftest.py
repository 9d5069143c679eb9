"""The stage of the tests of jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fakes import media
from fakes.gmi.cloud import GmiCloud, Timing
from tests.unit.jobs.service import Service, running
from tests.unit.jobs.stage import QuickClock, Stage, StillClock, open_stage


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock()


@pytest.fixture
async def gmi(quick: QuickClock) -> AsyncIterator[GmiCloud]:
    async def fetch(url: str) -> bytes:
        return media.picture()

    async with GmiCloud(now=quick.now, fetch=fetch, render=media.render_quickly) as simulated:
        yield simulated


@pytest.fixture
async def stage(database_url: str, gmi: GmiCloud, quick: QuickClock) -> AsyncIterator[Stage]:
    async with open_stage(database_url, gmi, quick) as opened:
        yield opened


@pytest.fixture
def still() -> StillClock:
    return StillClock()


@pytest.fixture
async def cloud(still: StillClock) -> AsyncIterator[GmiCloud]:
    async def fetch(_: str) -> bytes:
        return media.picture()

    rendered = GmiCloud(now=still.now, fetch=fetch, render=media.render_quickly, punctual=True)
    async with rendered as simulated:
        simulated.timing = Timing(queued=10, processing=60)
        yield simulated


@pytest.fixture
async def service(database_url: str, cloud: GmiCloud, still: StillClock) -> AsyncIterator[Service]:
    async with running(database_url, cloud, still) as opened:
        yield opened

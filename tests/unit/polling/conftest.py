"""The poller of most tests: a job waits ten seconds in line, and takes a minute."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fakes.gmi.cloud import Timing
from tests.unit.polling.rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        rig.cloud.timing = Timing(queued=10, processing=60)
        yield rig

"""The clock of the tests of delivery."""

from __future__ import annotations

import pytest

from tests.unit.jobs.stage import QuickClock


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock()

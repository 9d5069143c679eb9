"""The stage of the tests of retention: that of the tests of jobs."""

from __future__ import annotations

from tests.unit.jobs.conftest import cloud, service, still

__all__ = ["cloud", "service", "still"]

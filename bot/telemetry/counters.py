"""Counts for Prometheus what happened; a fault in counting harms nobody."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

from prometheus_client import generate_latest

from bot.models.budgets import Price
from bot.models.jobs import Job
from bot.models.states import FAILURES, State
from bot.telemetry.collector import ReadingsCollector
from bot.telemetry.metrics import Metrics, Readings
from bot.telemetry.series import OUTCOMES, Series

log = logging.getLogger(__name__)

P = ParamSpec("P")


def _harmless(
    method: Callable[Concatenate[PrometheusMetrics, P], None],
) -> Callable[Concatenate[PrometheusMetrics, P], None]:
    """Let what is wrong with counting be a line in the log, never the end of what is counted."""

    @functools.wraps(method)
    def counted(metrics: PrometheusMetrics, /, *given: P.args, **named: P.kwargs) -> None:
        try:
            method(metrics, *given, **named)
        except Exception:
            log.exception("Something could not be counted")

    return counted


class PrometheusMetrics(Metrics):
    """Counts what happened, for whoever asks."""

    def __init__(self, price: Price | None = None) -> None:
        self._price = price
        self._series = Series(price)

    @_harmless
    def job_started(self) -> None:
        """Count a job that was reserved and stored."""
        self._series.started.inc()

    @_harmless
    def job_changed(self, before: Job, after: Job) -> None:
        """Count a change of a job that was saved: how long its last state was, and what its member hears."""
        if before.state is after.state:
            return
        since = before.state_since or before.created_at
        if after.state_since is not None:
            seconds = (after.state_since - since).total_seconds()
            self._series.in_state.labels(before.state).observe(max(0.0, seconds))
        if after.state is State.SUCCEEDED:
            self._series.video_seconds.inc(after.request.duration)
            if self._series.cost is not None and self._price is not None:
                cost = self._price.of(after.request.duration)
                self._series.cost.labels(self._price.currency).inc(float(cost))
        if after.state not in OUTCOMES or _was_known(before, after):
            return
        self._series.jobs.labels(after.state).inc()
        if after.state in FAILURES and after.reason is not None:
            self._series.failures.labels(after.reason).inc()

    @_harmless
    def submitted(self, outcome: str) -> None:
        """Count a POST that asks for a video, by what its answer says."""
        self._series.submits.labels(outcome).inc()

    @_harmless
    def gmi_called(self, operation: str, outcome: str) -> None:
        """Count a request to GMI Cloud."""
        self._series.gmi.labels(operation, outcome).inc()

    @_harmless
    def discord_called(self, route: str, outcome: str) -> None:
        """Count a request to Discord."""
        self._series.discord.labels(route, outcome).inc()

    @_harmless
    def acknowledged(self, seconds: float) -> None:
        """Count a first answer to an interaction that came so long after it."""
        self._series.answers.observe(seconds)

    @_harmless
    def refused(self, reasons: Iterable[str]) -> None:
        """Count a request of a member that was refused, under each code of what was in its way."""
        for reason in sorted(set(reasons)):
            self._series.refusals.labels(reason).inc()

    @_harmless
    def downloaded(self, kind: str, size: int) -> None:
        """Count bytes that were fetched."""
        self._series.downloaded.labels(kind).inc(size)

    @_harmless
    def uploaded(self, size: int) -> None:
        """Count bytes that were sent to Discord."""
        self._series.uploaded.inc(size)

    @_harmless
    def reference_uploaded(self, outcome: str) -> None:
        """Count a reference that GMI Cloud's own storage was to hold, by what came of it."""
        self._series.references.labels(outcome).inc()

    @_harmless
    def storage_used(self, operation: str, seconds: float) -> None:
        """Count a transaction, whatever came of it."""
        self._series.storage.labels(operation).observe(seconds)

    @_harmless
    def storage_failed(self, failure: str) -> None:
        """Count a transaction that failed."""
        self._series.storage_failures.labels(failure).inc()

    @_harmless
    def loop_lagged(self, seconds: float) -> None:
        """Count by how much the event loop was late."""
        self._series.lag.observe(seconds)

    def observe(self, readings: Readings) -> None:
        """Read these whenever somebody asks for the metrics."""
        self._series.registry.register(ReadingsCollector(readings))

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._series.registry)


def _was_known(before: Job, after: Job) -> bool:
    """Tell whether a member has heard already what became of a job: a late end without a video is no news."""
    return before.state in FAILURES and after.state is not State.DELIVERED

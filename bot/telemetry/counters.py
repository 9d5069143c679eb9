"""The metrics as Prometheus knows them, in a registry of their own."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable
from typing import Concatenate, ParamSpec

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from bot.models.budgets import Price
from bot.models.jobs import Job
from bot.models.states import FAILURES, OPEN, Reason, State
from bot.telemetry.collector import ReadingsCollector
from bot.telemetry.metrics import Metrics, Readings
from bot.version import VERSION

log = logging.getLogger(__name__)

P = ParamSpec("P")

# What members hear of a job, once or twice: a video may come after it was overdue.
OUTCOMES = FAILURES | {State.DELIVERED, State.CANCELLED}
SUBMIT_OUTCOMES = ("accepted", "refused", "not_sent", "unclear")
STORAGE_OPERATIONS = ("read", "write")
STORAGE_FAILURES = ("unavailable", "fault")
FILES = ("reference", "video")

# Seconds. A video takes from half a minute to some minutes; a deadline is an hour unless it was changed.
STATE_BUCKETS = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 7200, 86400)
ANSWER_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 5)  # Discord waits 3 s
STORAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


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
        # Long, because every metric is named here, beside what it says.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each counter, which nobody looks at
        self._price = price
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"vidu_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
            return Histogram(f"vidu_{name}", text, labels, registry=registry, buckets=tuple(buckets))

        self._started = counter("jobs_started", "Requests that were reserved and stored.")
        self._jobs = counter("jobs", "What members heard of their jobs.", "outcome")
        self._failures = counter("job_failures", "Jobs without a video, so far, by reason.", "reason")
        self._in_state = histogram(
            "job_state_seconds", "How long jobs were in a state.", STATE_BUCKETS, "state"
        )
        self._video_seconds = counter("video_seconds", "Seconds of video that GMI Cloud finished.")
        self._submits = counter(
            "submits", "POSTs that ask for a video, by what their answers say.", "outcome"
        )
        self._gmi = counter("gmi_requests", "Requests to GMI Cloud.", "operation", "outcome")
        self._discord = counter("discord_requests", "Requests to Discord.", "route", "outcome")
        self._answers = histogram(
            "acknowledgement_seconds", "From an interaction to its first answer.", ANSWER_BUCKETS
        )
        self._refusals = counter("refusals", "What was in the way of refused requests.", "reason")
        self._downloaded = counter("downloaded_bytes", "Bytes of files that were fetched.", "kind")
        self._uploaded = counter("uploaded_bytes", "Bytes that were sent to Discord.")
        self._storage = histogram(
            "storage_seconds", "How long transactions took.", STORAGE_BUCKETS, "operation"
        )
        self._storage_failures = counter("storage_failures", "Transactions that failed.", "failure")
        self._lag = histogram("event_loop_lag_seconds", "How late the event loop was.", LAG_BUCKETS)
        self._cost = counter("cost", "Estimated cost of finished videos.", "currency") if price else None
        build = Gauge("vidu_build_info", "Always 1; which version this is.", ["version"], registry=registry)
        build.labels(VERSION).set(1)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """Show what is known beforehand from the start: the first of its kind is an increase as well."""
        for outcome in sorted(OUTCOMES):
            self._jobs.labels(outcome)
        for answer in SUBMIT_OUTCOMES:
            self._submits.labels(answer)
        for reason in Reason:
            self._failures.labels(reason)
        for state in sorted(OPEN):
            self._in_state.labels(state)
        for operation in STORAGE_OPERATIONS:
            self._storage.labels(operation)
        for failure in STORAGE_FAILURES:
            self._storage_failures.labels(failure)
        for kind in FILES:
            self._downloaded.labels(kind)
        if self._cost is not None and self._price is not None:
            self._cost.labels(self._price.currency)

    @_harmless
    def job_started(self) -> None:
        """Count a job that was reserved and stored."""
        self._started.inc()

    @_harmless
    def job_changed(self, before: Job, after: Job) -> None:
        """Count a change of a job that was saved: how long its last state was, and what its member hears."""
        if before.state is after.state:
            return
        since = before.state_since or before.created_at
        if after.state_since is not None:
            seconds = (after.state_since - since).total_seconds()
            self._in_state.labels(before.state).observe(max(0.0, seconds))
        if after.state is State.SUCCEEDED:
            self._video_seconds.inc(after.request.duration)
            if self._cost is not None and self._price is not None:
                self._cost.labels(self._price.currency).inc(float(self._price.of(after.request.duration)))
        if after.state not in OUTCOMES or _was_known(before, after):
            return
        self._jobs.labels(after.state).inc()
        if after.state in FAILURES and after.reason is not None:
            self._failures.labels(after.reason).inc()

    @_harmless
    def submitted(self, outcome: str) -> None:
        """Count a POST that asks for a video, by what its answer says."""
        self._submits.labels(outcome).inc()

    @_harmless
    def gmi_called(self, operation: str, outcome: str) -> None:
        """Count a request to GMI Cloud."""
        self._gmi.labels(operation, outcome).inc()

    @_harmless
    def discord_called(self, route: str, outcome: str) -> None:
        """Count a request to Discord."""
        self._discord.labels(route, outcome).inc()

    @_harmless
    def acknowledged(self, seconds: float) -> None:
        """Count a first answer to an interaction that came so long after it."""
        self._answers.observe(seconds)

    @_harmless
    def refused(self, reasons: Iterable[str]) -> None:
        """Count a request of a member that was refused, under each code of what was in its way."""
        for reason in sorted(set(reasons)):
            self._refusals.labels(reason).inc()

    @_harmless
    def downloaded(self, kind: str, size: int) -> None:
        """Count bytes that were fetched."""
        self._downloaded.labels(kind).inc(size)

    @_harmless
    def uploaded(self, size: int) -> None:
        """Count bytes that were sent to Discord."""
        self._uploaded.inc(size)

    @_harmless
    def storage_used(self, operation: str, seconds: float) -> None:
        """Count a transaction, whatever came of it."""
        self._storage.labels(operation).observe(seconds)

    @_harmless
    def storage_failed(self, failure: str) -> None:
        """Count a transaction that failed."""
        self._storage_failures.labels(failure).inc()

    @_harmless
    def loop_lagged(self, seconds: float) -> None:
        """Count by how much the event loop was late."""
        self._lag.observe(seconds)

    def observe(self, readings: Readings) -> None:
        """Read these whenever somebody asks for the metrics."""
        self._registry.register(ReadingsCollector(readings))

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return generate_latest(self._registry)


def _was_known(before: Job, after: Job) -> bool:
    """Tell whether a member has heard already what became of a job: a late end without a video is no news."""
    return before.state in FAILURES and after.state is not State.DELIVERED

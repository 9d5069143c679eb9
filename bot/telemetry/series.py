"""Which metrics there are: their names, what each says, and into which buckets it falls."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from bot.models.budgets import Price
from bot.models.states import FAILURES, OPEN, Reason, State
from bot.version import VERSION

# What members hear of a job, once or twice: a video may come after it was overdue.
OUTCOMES = FAILURES | {State.DELIVERED, State.CANCELLED}
UPLOAD_OUTCOMES = ("sent", "remembered", "failed")
SUBMIT_OUTCOMES = ("accepted", "refused", "not_sent", "unclear")
STORAGE_OPERATIONS = ("read", "write")
STORAGE_FAILURES = ("unavailable", "fault")
FILES = ("reference", "video")

# Seconds. A video takes from half a minute to some minutes; a deadline is an hour unless it was changed.
STATE_BUCKETS = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 7200, 86400)
ANSWER_BUCKETS = (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 5)  # Discord waits 3 s
STORAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Series:
    """The metrics of one process, in a registry of their own."""

    def __init__(self, price: Price | None) -> None:
        # Long, because every metric is named here, beside what it says.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series beside each counter, which nobody looks at
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"vidu_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: Iterable[float], *labels: str) -> Histogram:
            return Histogram(f"vidu_{name}", text, labels, registry=registry, buckets=tuple(buckets))

        self.started = counter("jobs_started", "Requests that were reserved and stored.")
        self.jobs = counter("jobs", "What members heard of their jobs.", "outcome")
        self.failures = counter("job_failures", "Jobs without a video, so far, by reason.", "reason")
        self.in_state = histogram(
            "job_state_seconds", "How long jobs were in a state.", STATE_BUCKETS, "state"
        )
        self.video_seconds = counter("video_seconds", "Seconds of video that GMI Cloud finished.")
        self.submits = counter("submits", "POSTs that ask for a video, by what their answers say.", "outcome")
        self.gmi = counter("gmi_requests", "Requests to GMI Cloud.", "operation", "outcome")
        self.discord = counter("discord_requests", "Requests to Discord.", "route", "outcome")
        self.answers = histogram(
            "acknowledgement_seconds", "From an interaction to its first answer.", ANSWER_BUCKETS
        )
        self.refusals = counter("refusals", "What was in the way of refused requests.", "reason")
        self.downloaded = counter("downloaded_bytes", "Bytes of files that were fetched.", "kind")
        self.uploaded = counter("uploaded_bytes", "Bytes that were sent to Discord.")
        self.references = counter(
            "reference_uploads", "References for GMI Cloud's own storage, by what came of it.", "outcome"
        )
        self.storage = histogram(
            "storage_seconds", "How long transactions took.", STORAGE_BUCKETS, "operation"
        )
        self.storage_failures = counter("storage_failures", "Transactions that failed.", "failure")
        self.lag = histogram("event_loop_lag_seconds", "How late the event loop was.", LAG_BUCKETS)
        self.cost = counter("cost", "Estimated cost of finished videos.", "currency") if price else None
        build = Gauge("vidu_build_info", "Always 1; which version this is.", ["version"], registry=registry)
        build.labels(VERSION).set(1)
        self._begin_at_zero(price)

    def _begin_at_zero(self, price: Price | None) -> None:
        """Show what is known beforehand from the start: the first of its kind is an increase as well."""
        for outcome in sorted(OUTCOMES):
            self.jobs.labels(outcome)
        for answer in SUBMIT_OUTCOMES:
            self.submits.labels(answer)
        for upload in UPLOAD_OUTCOMES:
            self.references.labels(upload)
        for reason in Reason:
            self.failures.labels(reason)
        for state in sorted(OPEN):
            self.in_state.labels(state)
        for operation in STORAGE_OPERATIONS:
            self.storage.labels(operation)
        for failure in STORAGE_FAILURES:
            self.storage_failures.labels(failure)
        for kind in FILES:
            self.downloaded.labels(kind)
        if self.cost is not None and price is not None:
            self.cost.labels(price.currency)

"""What the bot counts, named by what happened. Counting never breaks what is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.models.budgets import BudgetStatus
from bot.models.jobs import Job
from bot.models.states import Reason
from bot.tasks import Tasks
from bot.telemetry.health import Readiness


@dataclass(frozen=True, slots=True)
class Readings:
    """What is read when somebody asks for the metrics, so that nothing is counted a second time."""

    now: Callable[[], datetime]
    open_jobs: Callable[[], Iterable[Job]]
    budgets: Callable[[], Sequence[BudgetStatus]]
    closed_gate: Callable[[], Reason | None]  # why nothing is submitted, None while requests are sent
    unreadable_events: Mapping[tuple[str, str], int]  # by event and type of exception
    tasks: Tasks
    readiness: Readiness


class Metrics:
    """Takes what happened and keeps nothing: all that a process needs whose metrics nobody reads.

    No value that anybody outside chooses becomes a label: no member, no server, no prompt.
    """

    def job_started(self) -> None:
        """Count a job that was reserved and stored."""

    def job_changed(self, before: Job, after: Job) -> None:
        """Count a change of a job that was saved."""

    def submitted(self, outcome: str) -> None:
        """Count a POST that asks for a video, by what its answer says."""

    def gmi_called(self, operation: str, outcome: str) -> None:
        """Count a request to GMI Cloud."""

    def discord_called(self, route: str, outcome: str) -> None:
        """Count a request to Discord."""

    def acknowledged(self, seconds: float) -> None:
        """Count a first answer to an interaction that came so long after it."""

    def refused(self, reasons: Iterable[str]) -> None:
        """Count a request of a member that was refused, under each code of what was in its way."""

    def downloaded(self, kind: str, size: int) -> None:
        """Count bytes that were fetched."""

    def uploaded(self, size: int) -> None:
        """Count bytes that were sent to Discord."""

    def reference_uploaded(self, outcome: str) -> None:
        """Count a reference that GMI Cloud's own storage was to hold, by what came of it."""

    def storage_used(self, operation: str, seconds: float) -> None:
        """Count a transaction, whatever came of it."""

    def storage_failed(self, failure: str) -> None:
        """Count a transaction that failed."""

    def loop_lagged(self, seconds: float) -> None:
        """Count by how much the event loop was late."""

    def observe(self, readings: Readings) -> None:
        """Read these whenever somebody asks for the metrics."""

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus's text format."""
        return b""


NO_METRICS = Metrics()


def status_class(status: int) -> str:
    """Return the outcome that stands for an HTTP status; a rate limit is worth one of its own."""
    return "429" if status == 429 else f"{status // 100}xx"

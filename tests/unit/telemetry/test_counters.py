"""What is counted of jobs and calls, and that counting breaks nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from bot.models.budgets import Budget, BudgetScope, BudgetStatus, Price
from bot.models.jobs import Job, transition
from bot.models.quotas import Rule
from bot.models.states import Reason, State
from bot.tasks import Tasks
from bot.telemetry.counters import PrometheusMetrics
from bot.telemetry.health import Readiness
from bot.telemetry.metrics import Metrics, Readings, status_class
from tests.unit.storage.samples import START, FixedClock, new_job
from tests.unit.telemetry.exposition import counted, samples

LINK = ("https://cdn.example.invalid/fox.mp4",)


def life(metrics: Metrics, *states: State, reason: Reason | None = None) -> Job:
    """Let a job go through these states, ten seconds in each, and count it."""
    job, now = new_job(1), START
    metrics.job_started()
    for state in states:
        now += timedelta(seconds=10)
        given = reason if state is states[-1] or state in {State.OVERDUE, State.UNCONFIRMED} else None
        results = LINK if state is State.SUCCEEDED else ()
        changed = transition(job, state, now, reason=given, results=results)
        metrics.job_changed(job, changed)
        job = changed
    return job


def text(metrics: Metrics) -> str:
    return metrics.exposition().decode()


def test_a_delivered_job_is_counted_once_with_the_time_in_each_state() -> None:
    metrics = PrometheusMetrics(Price(Decimal("0.05"), "USD"))
    life(metrics, State.QUEUED, State.PROCESSING, State.SUCCEEDED, State.DELIVERED)
    shown = text(metrics)

    assert counted(shown, "vidu_jobs_total") == {"{outcome=delivered}": 1}
    assert counted(shown, "vidu_job_failures_total") == {}
    assert samples(shown)["vidu_jobs_started_total"] == 1
    assert counted(shown, "vidu_job_state_seconds_sum") == {
        "{state=submitting}": 10,
        "{state=queued}": 10,
        "{state=processing}": 10,
        "{state=succeeded}": 10,
    }
    assert samples(shown)["vidu_video_seconds_total"] == 5
    assert counted(shown, "vidu_cost_total") == {"{currency=USD}": 0.25}


@pytest.mark.parametrize(
    ("states", "reason", "outcomes"),
    [
        ([State.REFUSED], Reason.CREDIT, {"refused": 1}),
        ([State.QUEUED, State.FAILED], Reason.POLICY, {"failed": 1}),
        ([State.QUEUED, State.CANCELLED], Reason.CANCELLED, {"cancelled": 1}),
        ([State.UNCONFIRMED], Reason.UNCLEAR, {"unconfirmed": 1}),
        # A day later nothing came: its member has heard that already.
        ([State.QUEUED, State.OVERDUE, State.FAILED], Reason.DEADLINE, {"overdue": 1}),
        (
            [State.QUEUED, State.OVERDUE, State.SUCCEEDED, State.DELIVERED],
            None,
            {"overdue": 1, "delivered": 1},
        ),
    ],
)
def test_what_members_hear_is_counted(
    states: list[State], reason: Reason | None, outcomes: dict[str, int]
) -> None:
    metrics = PrometheusMetrics()
    life(metrics, *states, reason=reason)
    shown = text(metrics)

    assert counted(shown, "vidu_jobs_total") == {f"{{outcome={name}}}": n for name, n in outcomes.items()}
    failed = reason is not None and reason is not Reason.CANCELLED
    assert counted(shown, "vidu_job_failures_total") == ({f"{{reason={reason}}}": 1} if failed else {})


def test_a_change_within_a_state_is_no_outcome() -> None:
    metrics = PrometheusMetrics()
    job = new_job(1)
    metrics.job_changed(job, replace(job, revision=1))
    assert counted(text(metrics), "vidu_job_state_seconds_count") == {}


def test_without_a_price_no_cost_is_shown() -> None:
    assert "vidu_cost" not in text(PrometheusMetrics())


def test_calls_are_counted_by_outcome() -> None:
    metrics = PrometheusMetrics()
    metrics.submitted("accepted")
    metrics.gmi_called("status", status_class(204))
    metrics.gmi_called("status", status_class(429))
    metrics.gmi_called("list", "timeout")
    metrics.discord_called("webhooks", status_class(503))
    metrics.acknowledged(0.3)
    metrics.refused(["file_empty", "no_references", "file_empty"])
    metrics.downloaded("video", 1000)
    metrics.uploaded(70)
    metrics.storage_used("write", 0.002)
    metrics.storage_failed("unavailable")
    metrics.loop_lagged(0.02)
    shown = text(metrics)

    assert counted(shown, "vidu_submits_total") == {"{outcome=accepted}": 1}
    assert counted(shown, "vidu_gmi_requests_total") == {
        "{operation=status,outcome=2xx}": 1,
        "{operation=status,outcome=429}": 1,
        "{operation=list,outcome=timeout}": 1,
    }
    assert counted(shown, "vidu_discord_requests_total") == {"{outcome=5xx,route=webhooks}": 1}
    assert counted(shown, "vidu_refusals_total") == {"{reason=file_empty}": 1, "{reason=no_references}": 1}
    assert counted(shown, "vidu_downloaded_bytes_total") == {"{kind=video}": 1000}
    assert counted(shown, "vidu_storage_failures_total") == {"{failure=unavailable}": 1}
    found = samples(shown)
    assert found["vidu_uploaded_bytes_total"] == 70
    assert found["vidu_acknowledgement_seconds_sum"] == 0.3
    assert found["vidu_storage_seconds_count{operation=write}"] == 1
    assert found["vidu_event_loop_lag_seconds_sum"] == 0.02


def test_what_cannot_be_counted_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    metrics = PrometheusMetrics()
    metrics.uploaded(-1)
    metrics.job_changed(cast(Any, None), cast(Any, None))
    metrics.refused(cast(Any, 7))
    metrics.uploaded(1)

    assert caplog.text.count("Something could not be counted") == 3
    assert samples(text(metrics))["vidu_uploaded_bytes_total"] == 1


def test_two_bots_of_a_process_count_apart() -> None:
    first, second = PrometheusMetrics(), PrometheusMetrics()
    first.uploaded(5)
    assert samples(text(second))["vidu_uploaded_bytes_total"] == 0


async def test_how_things_stand_is_read_when_somebody_asks() -> None:
    metrics, readiness, clock = PrometheusMetrics(), Readiness(), FixedClock()
    queued = replace(new_job(1), state=State.QUEUED)
    open_jobs = [queued, replace(queued, id=2, state_since=START - timedelta(minutes=2))]
    closed: list[Reason] = []
    events = Counter({("READY", "KeyError"): 2, ("READY", "TypeError"): 1})
    bot = BudgetStatus(Budget(BudgetScope.BOT, Rule(None, 600)), 3, 15)
    metrics.observe(
        Readings(
            now=clock.now,
            open_jobs=lambda: open_jobs,
            budgets=lambda: [bot],
            closed_gate=lambda: closed[0] if closed else None,
            unreadable_events=events,
            tasks=Tasks(FixedClock()),
            readiness=readiness,
        )
    )
    before = samples(text(metrics))
    closed.append(Reason.CREDIT)
    readiness.gateway_ready = True
    open_jobs.pop()
    clock.moment += timedelta(seconds=30)
    after = samples(text(metrics))

    assert (before["vidu_jobs_open{state=queued}"], after["vidu_jobs_open{state=queued}"]) == (2, 1)
    age = "vidu_jobs_oldest_seconds{state=queued}"
    assert (before[age], after[age]) == (120, 30)
    assert before["vidu_jobs_open{state=processing}"] == 0
    assert after["vidu_budget_limit_seconds{scope=bot}"] == 600
    assert after["vidu_budget_used_seconds{scope=bot}"] == 15
    assert after["vidu_budget_used_videos{scope=bot}"] == 3
    assert "vidu_budget_limit_videos{scope=bot}" not in after
    gate = "vidu_submit_gate_closed{reason=credit}"
    assert (before[gate], after[gate], after["vidu_submit_gate_closed{reason=key}"]) == (0, 1, 0)
    assert (before["vidu_gateway_ready"], after["vidu_gateway_ready"]) == (0, 1)
    assert after["vidu_unreadable_events_total{event=READY}"] == 3


def test_metrics_that_nobody_reads_take_everything_and_say_nothing() -> None:
    metrics = Metrics()
    life(metrics, State.QUEUED, State.FAILED, reason=Reason.FAILED)
    metrics.refused(["no_references"])
    assert metrics.exposition() == b""

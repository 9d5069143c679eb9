"""The metrics that are read, not counted: how things stand at the moment somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.models.states import OPEN, Reason, State
from bot.tasks import TaskState
from bot.telemetry.metrics import Readings

GATE_REASONS = (Reason.CREDIT, Reason.KEY)


class ReadingsCollector(Collector):
    """Reads how things stand."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def describe(self) -> list[Metric]:
        """Return nothing: that way nothing is read before somebody asks."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield everything that is read."""
        yield from self._open_jobs()
        yield from self._budgets()
        yield self._gate()
        yield from self._tasks()
        yield self._events()
        ready = self._readings.readiness
        yield GaugeMetricFamily("vidu_gateway_ready", "Connected to Discord.", float(ready.gateway_ready))
        text = "Discord has this version's commands."
        yield GaugeMetricFamily("vidu_commands_registered", text, float(ready.commands_registered))

    def _open_jobs(self) -> Iterator[Metric]:
        """Yield how many jobs are in each state, and for how long the one that has waited longest."""
        number = GaugeMetricFamily("vidu_jobs_open", "Jobs for which something is to come.", labels=["state"])
        text = "How long the oldest job of a state has been in it."
        oldest = GaugeMetricFamily("vidu_jobs_oldest_seconds", text, labels=["state"])
        now = self._readings.now()
        ages: dict[State, list[float]] = {state: [] for state in sorted(OPEN)}
        for job in self._readings.open_jobs():
            ages[job.state].append((now - (job.state_since or job.created_at)).total_seconds())
        for state, found in ages.items():
            number.add_metric([state], len(found))
            oldest.add_metric([state], max(0.0, *found) if found else 0.0)
        yield number
        yield oldest

    def _budgets(self) -> Iterator[Metric]:
        """Yield what the operator's ceilings allow, where they limit, and what is used in their period."""
        found = self._readings.budgets()
        for unit in ("seconds", "videos"):
            allowed = GaugeMetricFamily(
                f"vidu_budget_limit_{unit}", f"The operator's ceiling in {unit} per period.", labels=["scope"]
            )
            used = GaugeMetricFamily(
                f"vidu_budget_used_{unit}", f"Used {unit} of a ceiling's period.", labels=["scope"]
            )
            for status in found:
                scope = [status.budget.scope.value]
                rule = status.budget.rule
                limit = rule.seconds if unit == "seconds" else rule.videos
                if limit is not None:
                    allowed.add_metric(scope, limit)
                used.add_metric(scope, status.used_seconds if unit == "seconds" else status.used_videos)
            yield allowed
            yield used

    def _gate(self) -> Metric:
        text = "Whether no request is sent to GMI Cloud, and why."
        family = GaugeMetricFamily("vidu_submit_gate_closed", text, labels=["reason"])
        closed_by = self._readings.closed_gate()
        for reason in GATE_REASONS:
            family.add_metric([reason], float(reason is closed_by))
        return family

    def _tasks(self) -> Iterator[Metric]:
        tasks = self._readings.tasks
        yield CounterMetricFamily("vidu_task_failures", "What background tasks raised.", tasks.failures)
        text = "Supervised tasks that were started again."
        restarts = CounterMetricFamily("vidu_task_restarts", text, labels=["task"])
        for task in tasks.supervised:
            restarts.add_metric([task.name], task.restarts)
        yield restarts
        given_up = sum(task.state is TaskState.GIVEN_UP for task in tasks.supervised)
        yield GaugeMetricFamily("vidu_tasks_given_up", "Supervised tasks that were given up.", given_up)

    def _events(self) -> Metric:
        text = "Events of Discord that could not be read."
        family = CounterMetricFamily("vidu_unreadable_events", text, labels=["event"])
        by_event: Counter[str] = Counter()
        for (event, _), times in list(self._readings.unreadable_events.items()):
            by_event[event] += times
        for event in sorted(by_event):
            family.add_metric([event], by_event[event])
        return family

"""What watches the bot asks for metrics that exist, and its alerts say what to do."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.models.budgets import Budget, BudgetScope, BudgetStatus, Price
from bot.models.quotas import Rule
from bot.tasks import Tasks
from bot.telemetry.counters import PrometheusMetrics
from bot.telemetry.health import Readiness
from bot.telemetry.metrics import Readings, status_class
from tests.unit.storage.samples import FixedClock
from tests.unit.telemetry.exposition import samples

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "dashboard.json").read_text())
RULES = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ENDINGS = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
OF_PROMETHEUS = {"up"}  # what Prometheus itself knows of the bot


def exposition() -> str:
    """Return what a bot shows that has done nothing so far."""
    metrics = PrometheusMetrics(Price(Decimal(1), "USD"))
    budget = BudgetStatus(Budget(BudgetScope.BOT, Rule(5, 600)), 0, 0)
    metrics.observe(
        Readings(
            now=FixedClock().now,
            open_jobs=list,
            budgets=lambda: [budget],
            closed_gate=lambda: None,
            unreadable_events={},
            tasks=Tasks(FixedClock()),
            readiness=Readiness(),
        )
    )
    return metrics.exposition().decode()


EXPOSITION = exposition()
TYPES = dict(re.findall(r"^# TYPE (\w+) (\w+)$", EXPOSITION, re.MULTILINE))
NAMES = {name + ending for name, kind in TYPES.items() for ending in ENDINGS[kind]}


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    return panels + [alert["expr"] for alert in ALERTS]


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:vidu|process)_\w+\b", expression))


def test_every_metric_of_dashboard_and_alerts_exists() -> None:
    named = set().union(*map(names_in, expressions()))
    assert len(named) > 20
    assert named <= NAMES


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    named = set().union(*map(names_in, expressions()))
    unused = {
        name
        for name, kind in TYPES.items()
        if name.startswith("vidu_") and not named & {name + ending for ending in ENDINGS[kind]}
    }
    # Health says what the second one says; the third is for whoever compares versions.
    assert unused <= {"vidu_jobs_started_total", "vidu_tasks_given_up", "vidu_build_info"}


@pytest.mark.parametrize("expression", expressions())
def test_values_of_labels_are_ones_that_the_bot_shows(expression: str) -> None:
    shown = [*samples(EXPOSITION), f"vidu_discord_requests_total{{outcome={status_class(429)}}}"]
    for name, label, value in re.findall(r'\b(vidu_\w+)\{(\w+)="(\w+)"\}', expression):
        assert any(key.startswith(f"{name}{{") and f"{label}={value}" in key for key in shown), value


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_happened_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"page", "ticket"}
    summary, description = alert["annotations"]["summary"], alert["annotations"]["description"]
    assert summary.endswith(".")
    assert len(summary) < 80 < len(description)
    assert f"| `{alert['alert']}` |" in OPERATIONS


def test_the_page_names_the_metrics_and_alerts_that_there_are() -> None:
    metrics = set(re.findall(r"^\| `(vidu_\w+)`", OPERATIONS, re.MULTILINE))
    assert metrics == {name for name in TYPES if name.startswith("vidu_")}
    alerts = set(re.findall(r"^\| `(Vidu\w+)`", OPERATIONS, re.MULTILINE))
    assert alerts == {alert["alert"] for alert in ALERTS}


def test_panels_have_a_place_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_prometheus_asks_the_port_that_the_bot_serves_and_reads_the_rules_beside_it() -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert (job["job_name"], job["static_configs"]) == ("vidu", [{"targets": ["127.0.0.1:8080"]}])
    assert all((PROMETHEUS / name).exists() for name in config["rule_files"])
    for expression in expressions():
        assert set(re.findall(r'job="(\w+)"', expression)) <= {"vidu"}


@pytest.mark.parametrize("what", ["rules alerts.yml", "config prometheus.yml"])
def test_prometheus_accepts_its_files(what: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool isn't installed; it comes with Prometheus")
    done = subprocess.run(
        [promtool, "check", *what.split()], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# What happens, minute by minute (Prometheus's notation: start+step x times), and which alerts are due then.
HEALTHY = {
    'up{job="vidu"}': "1x90",
    "vidu_gateway_ready": "1x90",
    "vidu_commands_registered": "1x90",
    'vidu_jobs_total{outcome="delivered"}': "0+1x90",
    'vidu_jobs_total{outcome="failed"}': "0+0x90",
    'vidu_jobs_total{outcome="unconfirmed"}': "0+0x90",
    'vidu_jobs_oldest_seconds{state="succeeded"}': "0 20 0 15 0x86",
    'vidu_submit_gate_closed{reason="credit"}': "0x90",
    'vidu_budget_used_seconds{scope="bot"}': "0+1x90",
    'vidu_budget_limit_seconds{scope="bot"}': "600x90",
    'vidu_gmi_requests_total{operation="status",outcome="2xx"}': "0+20x90",
    'vidu_gmi_requests_total{operation="status",outcome="5xx"}': "0+1x90",
    'vidu_storage_failures_total{failure="unavailable"}': "0x90",
    'vidu_event_loop_lag_seconds_bucket{le="0.01"}': "0+60x90",
    'vidu_event_loop_lag_seconds_bucket{le="1.0"}': "0+60x90",
    'vidu_event_loop_lag_seconds_bucket{le="+Inf"}': "0+60x90",
}
CASES: dict[str, tuple[dict[str, str], set[str]]] = {
    "all is well": ({}, set()),
    "gone": ({'up{job="vidu"}': "0x90"}, {"ViduDown"}),
    "never there": ({'up{job="vidu"}': "_x90"}, {"ViduDown"}),
    "not connected": ({"vidu_gateway_ready": "0x90"}, {"ViduNotConnected"}),
    "no credit": ({'vidu_submit_gate_closed{reason="credit"}': "0x60 1x30"}, {"ViduNoCredit"}),
    "a stuck video": (
        {'vidu_jobs_oldest_seconds{state="succeeded"}': "0+60x90"},
        {"ViduVideosNotDelivered"},
    ),
    "the first lost POST": (
        {'vidu_jobs_total{outcome="unconfirmed"}': "0x60 1x30"},
        {"ViduPostUnconfirmed"},
    ),
    "more failures than videos": (
        {'vidu_jobs_total{outcome="failed"}': "0+2x90"},
        {"ViduManyFailures"},
    ),
    "GMI Cloud is down": (
        {'vidu_gmi_requests_total{operation="status",outcome="5xx"}': "0+30x90"},
        {"ViduGmiUnreachable"},
    ),
    "a full disk": (
        {'vidu_storage_failures_total{failure="unavailable"}': "0x60 0+1x30"},
        {"ViduStorageFailing"},
    ),
    "a slow loop": (
        {'vidu_event_loop_lag_seconds_bucket{le="0.01"}': "0+30x90"},
        {"ViduEventLoopSlow"},
    ),
    "nearly nothing left": (
        {'vidu_budget_used_seconds{scope="bot"}': "0+7x90"},
        {"ViduBudgetNearlyUsed"},
    ),
    "an event nobody can read": (
        {'vidu_unreadable_events_total{event="READY"}': "_x60 1x30"},
        {"ViduUnreadableEvents"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_alerts_fire_when_they_should_and_only_then(case: str, tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool isn't installed; it comes with Prometheus")
    happens, due = CASES[case]
    series = [{"series": name, "values": values} for name, values in (HEALTHY | happens).items()]
    names = {alert["alert"] for alert in ALERTS}
    # promtool compares all labels of an alert; whether it fires is what is asked here.
    checks = [
        {
            "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) > 0',
            "eval_time": "85m",
            "exp_samples": [{"labels": "{}", "value": 1}] if name in due else [],
        }
        for name in sorted(names)
    ]
    tests = {
        "rule_files": [str(PROMETHEUS / "alerts.yml")],
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": checks}],
    }
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump(tests))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"

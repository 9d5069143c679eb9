"""What starts several processes names settings that exist, and leaves them the time that they need."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import yaml

from bot.jobs.service import GRACE
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.large.yaml").read_text())
BOT, POSTGRES = COMPOSE["services"]["bot"], COMPOSE["services"]["postgres"]
MANIFESTS = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "vidu-bot.yaml").read_text()))
DEPLOYMENT, DISRUPTIONS = MANIFESTS
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
SCALING = (ROOT / "docs" / "scaling.md").read_text()
SETTINGS = {name.upper() for name in Settings.model_fields}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRET = re.compile(r"token|key|password|url", re.IGNORECASE)
STOP_NEEDS = 20  # seconds: what is on its way, the logs of servers, and a slow database [bot/jobs/service]


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_every_setting_that_is_given_exists_and_no_secret_is_among_them() -> None:
    given: dict[str, Any] = BOT["environment"] | {each["name"]: each["value"] for each in CONTAINER["env"]}
    assert "PROCESSES" in given
    assert set(given) <= SETTINGS
    assert all(isinstance(value, str) for value in given.values())
    assert not list(filter(SECRET.search, given))
    Settings.model_fields["log_format"].annotation("json")  # type: ignore[misc]


def test_there_is_one_process_more_than_share_the_work() -> None:
    (scale,) = set(re.findall(r"--scale bot=(\d+)", (ROOT / "deploy" / "compose.large.yaml").read_text()))
    assert int(scale) == int(BOT["environment"]["PROCESSES"]) + 1
    (processes,) = [each["value"] for each in CONTAINER["env"] if each["name"] == "PROCESSES"]
    assert DEPLOYMENT["spec"]["replicas"] == int(processes) + 1


def test_a_stop_has_enough_time() -> None:
    assert GRACE < STOP_NEEDS <= seconds(BOT["stop_grace_period"])
    assert POD["terminationGracePeriodSeconds"] >= STOP_NEEDS


def test_containers_can_be_many_and_can_do_nothing_they_do_not_need() -> None:
    for service in (BOT, POSTGRES):
        assert "ports" not in service
        assert "container_name" not in service
    assert BOT["read_only"] is True
    assert BOT["cap_drop"] == ["ALL"]
    assert BOT["security_opt"] == ["no-new-privileges:true"]
    allowed = CONTAINER["securityContext"]
    assert allowed["readOnlyRootFilesystem"] is True
    assert allowed["allowPrivilegeEscalation"] is False
    assert allowed["capabilities"] == {"drop": ["ALL"]}
    assert f"USER {POD['securityContext']['runAsUser']}:{POD['securityContext']['runAsGroup']}" in DOCKERFILE


def test_health_is_asked_where_the_bot_answers() -> None:
    assert BOT["healthcheck"]["test"][:3] == ["CMD", "python", "-m"]
    assert importlib.util.find_spec(BOT["healthcheck"]["test"][3]) is not None
    (port,) = CONTAINER["ports"]
    assert port["containerPort"] == Settings.model_fields["http_port"].default
    assert CONTAINER["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}
    assert CONTAINER["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
    assert "HTTP_HOST=0.0.0.0" in DOCKERFILE


def test_what_belongs_together_has_the_same_name() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert [each["kind"] for each in MANIFESTS] == ["Deployment", "PodDisruptionBudget"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == labels
    assert DISRUPTIONS["spec"]["selector"]["matchLabels"] == labels
    mounted = {each["name"] for each in CONTAINER["volumeMounts"]}
    assert mounted == {each["name"] for each in POD["volumes"]}
    secret = CONTAINER["envFrom"][0]["secretRef"]["name"]
    assert f"kubectl create secret generic {secret} " in SCALING
    user, database = POSTGRES["environment"]["POSTGRES_USER"], POSTGRES["environment"]["POSTGRES_DB"]
    assert re.search(rf"postgresql\+asyncpg://{user}:.+@postgres/{database}\b", SCALING)
    (file,) = COMPOSE["secrets"].values()
    assert f"deploy/{file['file']}" in SCALING
    assert f"/deploy/{file['file']}" in (ROOT / ".gitignore").read_text().splitlines()
    for path in (BOT["build"], BOT["env_file"]):
        assert (ROOT / "deploy" / path).resolve().is_relative_to(ROOT)

"""What the image and its container guarantee, checked without Docker."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest

from bot.media.download import SIZE_MAX
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text()
SERVICES = dict(re.findall(r"^  (\w+):.*\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE))
LOCKS = ("requirements.txt", "requirements-dev.txt")
PIN = re.compile(r"[\w.-]+(\[[\w, -]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}")
UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


class Instruction(NamedTuple):
    name: str
    text: str


def read_stages() -> list[list[Instruction]]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    stages: list[list[Instruction]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, text = line.split(maxsplit=1)
            if name == "FROM":
                stages.append([])
            stages[-1].append(Instruction(name, text))
    return stages


STAGES = read_stages()
BUILD, RUN = STAGES[0], STAGES[-1]


def only(stage: list[Instruction], name: str) -> str:
    (text,) = [instruction.text for instruction in stage if instruction.name == name]
    return text


def copied_from_project(stage: list[Instruction]) -> list[str]:
    words = [shlex.split(instruction.text) for instruction in stage if instruction.name == "COPY"]
    return [source for copy in words if not copy[0].startswith("--from=") for source in copy[:-1]]


def first(stage: list[Instruction], name: str, part: str) -> int:
    return next(index for index, found in enumerate(stage) if found.name == name and part in found.text)


def size(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1].lower()]


def found_in_compose(pattern: str) -> str:
    found = re.search(pattern, COMPOSE, re.MULTILINE)
    assert found, pattern
    return found[1]


def test_the_image_that_runs_gets_only_the_finished_environment() -> None:
    assert len(STAGES) == 2
    assert Instruction("COPY", "--from=build /opt/venv /opt/venv") in RUN
    assert not [step for step in RUN if step.name == "RUN" and re.search(r"\b(pip|apt-get)\b", step.text)]


def test_both_stages_stand_on_the_same_python() -> None:
    bases = {only(stage, "FROM").split()[0] for stage in STAGES}
    assert len(bases) == 1
    version = re.search(r"python:(\d+)\.(\d+)-slim", bases.pop())
    assert version
    needed = re.search(r'requires-python = ">=(\d+)\.(\d+)"', (ROOT / "pyproject.toml").read_text())
    assert needed
    assert tuple(map(int, version.groups())) >= tuple(map(int, needed.groups()))


def test_the_bot_is_not_root_and_owns_its_data() -> None:
    user, group = only(RUN, "USER").split(":")
    assert int(user) == int(group) > 999
    account = RUN[first(RUN, "RUN", "useradd")].text
    assert f"--uid {user} --user-group" in account
    name = re.search(r"(\S+)\s+&& install", account)
    assert name
    assert f"--owner={name[1]} --group={name[1]}" in account
    assert account.endswith(only(RUN, "VOLUME"))


def test_the_command_hears_signals_itself() -> None:
    assert json.loads(only(RUN, "CMD")) == ["python", "-m", "bot"]
    assert not [step for step in RUN if step.name == "ENTRYPOINT"]


@pytest.mark.parametrize("source", copied_from_project(BUILD) + copied_from_project(RUN))
def test_what_is_copied_exists(source: str) -> None:
    assert (ROOT / source).exists()


def test_only_what_is_copied_reaches_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    admitted = [pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")]
    assert patterns[0] == "*"
    assert sorted(admitted) == sorted(copied_from_project(BUILD) + copied_from_project(RUN))
    # The last match wins: an exclusion above an admission would be lifted by it.
    assert patterns[1 + len(admitted) :] == ["**/.env*", "**/__pycache__"]


def test_dependencies_are_installed_by_hash_from_wheels_before_any_code() -> None:
    install = BUILD[first(BUILD, "RUN", " install ")].text.split()
    assert {"--require-hashes", "--only-binary=:all:"} <= set(install)
    assert copied_from_project(BUILD) == [install[install.index("-r") + 1]]


def test_a_change_of_the_code_rebuilds_nothing_else() -> None:
    code = first(RUN, "COPY", "bot")
    assert first(RUN, "COPY", "--from=build") < code
    compiled = Instruction("RUN", "python -m compileall -q bot cogs")
    steps = {step.name for step in RUN[code:] if step != compiled}
    assert steps <= {"COPY", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "CMD"}


def test_no_setting_and_no_secret_is_built_in() -> None:
    settings = "|".join(Settings.model_fields)
    for stage in STAGES:
        for step in stage:
            if step.name in {"ARG", "ENV"}:
                # The one exception is no secret: without it nobody could reach the port of the container.
                text = step.text.replace("HTTP_HOST=0.0.0.0", "")
                names = re.findall(r"(\w+)(?==|$|\s)", text)
                suspects = [name for name in names if re.search(rf"(?i){settings}|secret|token|passw", name)]
                assert not suspects


def test_the_database_is_in_the_volume() -> None:
    default = Settings.model_fields["database_url"].default.get_secret_value()
    file = PurePosixPath(only(RUN, "WORKDIR"), default.split(":///")[1])
    volume = found_in_compose(r"^ +- data:(\S+)")
    assert str(file.parent) == only(RUN, "VOLUME") == volume
    assert re.search(r"^volumes:\n  data:$", COMPOSE, re.MULTILINE)


def test_videos_fit_where_they_wait() -> None:
    """A container that cannot be written to keeps downloads in a tmpfs, which counts as memory."""
    assert found_in_compose(r"^ +read_only: (\w+)") == "true"
    waiting, memory = size(found_in_compose(r":size=(\w+)")), size(found_in_compose(r"mem_limit: (\w+)"))
    assert SIZE_MAX < waiting < memory


def test_the_container_can_do_nothing_it_does_not_need() -> None:
    assert found_in_compose(r"^ +cap_drop: (\S+)") == "[ALL]"
    assert found_in_compose(r"^ +security_opt: (\S+)") == '["no-new-privileges:true"]'
    assert not re.search(r"^ +(ports|privileged|cap_add|network_mode):", COMPOSE, re.MULTILINE)
    assert not re.search(r"^ +user:", SERVICES["bot"], re.MULTILINE)


def test_what_copies_the_database_is_optional_and_can_do_no_more_than_the_bot() -> None:
    service = SERVICES["litestream"]
    user = only(RUN, "USER")
    for line in (
        "profiles: [litestream]",
        f'user: "{user}"',
        "read_only: true",
        "cap_drop: [ALL]",
        'security_opt: ["no-new-privileges:true"]',
        "- ./deploy/litestream.yml:/etc/litestream.yml:ro",
    ):
        assert line in service, line
    assert "env_file" not in service  # no token and no key of the bot
    config = (ROOT / "deploy" / "litestream.yml").read_text()
    database = re.search(r"^ +- path: (\S+)$", config, re.MULTILINE)
    assert database
    default = Settings.model_fields["database_url"].default.get_secret_value()
    assert database[1] == str(PurePosixPath(only(RUN, "WORKDIR"), default.split(":///")[1]))
    # Every variable that the configuration reads is handed over.
    assert set(re.findall(r"\$\{(\w+)\}", config)) <= set(re.findall(r"^ +(\w+): \$", service, re.MULTILINE))


def test_health_and_metrics_are_published_to_this_machine_only() -> None:
    ports = re.findall(r'"(\S*:\d+)"', found_in_compose(r"^ +(?:# )?ports: (.+)"))
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_container_is_checked_by_a_program_that_exists() -> None:
    command = json.loads(only(RUN, "HEALTHCHECK").partition("CMD ")[2])
    assert command[:2] == ["python", "-m"]
    assert importlib.util.find_spec(command[2]) is not None


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_pinned_with_hashes(lock: str) -> None:
    lines = (ROOT / lock).read_text().replace("\\\n", " ").splitlines()
    entries = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert entries
    assert not [line for line in entries if not PIN.match(line)]


@pytest.mark.parametrize("name", [*LOCKS, "Dockerfile", "compose.yaml", ".ci/run"])
def test_where_packages_come_from_is_left_to_the_machine(name: str) -> None:
    places = r"\w+://|--(?:extra-)?index-url|--find-links|--trusted-host"
    assert not re.findall(places, (ROOT / name).read_text())


def test_the_checks_start_what_the_makefile_offers() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    targets = set(re.findall(r"^make (\w+)", script.read_text(), re.MULTILINE))
    assert "test" in targets
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

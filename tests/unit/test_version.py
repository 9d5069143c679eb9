"""Everybody who names the version names the same one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.command_line import main
from bot.telemetry.counters import PrometheusMetrics
from bot.version import VERSION

PROJECT = Path(__file__).parents[2]


def test_the_command_line_and_the_metrics_tell_the_version_of_the_project(
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == VERSION

    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.strip() == VERSION
    assert f'vidu_build_info{{version="{VERSION}"}} 1.0' in PrometheusMetrics().exposition().decode()


def test_the_changelog_has_an_entry_for_the_version() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    assert released[0] == VERSION

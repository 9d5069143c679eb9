"""The ways in which the process ends are those that the README names."""

from __future__ import annotations

import re
from pathlib import Path

from bot.exit_codes import ExitCode

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_readme_has_every_exit_code_with_its_meaning() -> None:
    section = re.search(r"^### Exit codes\n(.*?)^#", README, re.MULTILINE | re.DOTALL)
    assert section
    rows = re.findall(r"^\| `(\d+)` \| (.+) \|$", section[1], re.MULTILINE)
    assert {int(number): meaning for number, meaning in rows} == {code: code.meaning for code in ExitCode}


def test_the_numbers_stay_as_they_are() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "STOPPED": 0,
        "FAILED": 1,
        "MISCONFIGURED": 2,
        "LOST_SLOT": 3,
        "CHECK_FOUND_FAULTS": 4,
    }

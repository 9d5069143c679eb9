"""The rules of the house: who may import whom."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PURE = {
    "agenda",
    "budget",
    "clock",
    "containers",
    "drafts",
    "following",
    "hosts",
    "jobs",
    "pacing",
    "quotas",
    "repeats",
    "request",
}
# Only these rooms know Discord.
DISCORD_ROOMS = {
    "__main__",
    "buttons",
    "cards",
    "client",
    "delivery",
    "presses",
    "registration",
    "results",
    "routes",
    "window",
}
IO_LIBRARIES = {"discord", "aiohttp", "sqlalchemy"}
OWNERS = {
    "sqlalchemy": {"database", "ledger", "tables"},
    "aiohttp": {"__main__", "cdn", "client", "downloads", "fetching", "gmi", "routes"},
}

# A room may import from lower floors only.
FLOORS = [
    {
        "agenda",
        "budget",
        "cdn",
        "clips",
        "clock",
        "containers",
        "events",
        "hosts",
        "logs",
        "measure",
        "pacing",
        "presses",
        "repeats",
        "request",
    },
    {
        "downloads",
        "drafts",
        "formats",
        "jobs",
        "tasks",
    },
    {
        "buttons",
        "fetching",
        "gmi_answers",
        "quotas",
        "references",
        "tables",
        "window",
    },
    {
        "cards",
        "database",
        "following",
        "gmi",
        "inspection",
        "settings",
    },
    {
        "ledger",
        "lost",
        "results",
    },
    {
        "lessons",
        "openjobs",
        "registration",
        "routes",
        "watch",
    },
    {
        "delivery",
    },
    {
        "teller",
    },
    {
        "submitter",
    },
    {
        "runner",
    },
    {
        "client",
    },
    {
        "__main__",
    },
]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


ROOMS = {path.stem: path for path in (ROOT / "bot").glob("*.py") if path.stem != "__init__"}
PRODUCTION = [*ROOMS.values(), *(ROOT / "cogs").glob("*.py")]


def test_every_room_has_its_floor() -> None:
    assert set(ROOMS) == set().union(*FLOORS)


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_imports_point_downwards(room: str) -> None:
    floor = next(height for height, rooms in enumerate(FLOORS) if room in rooms)
    below = set().union(*FLOORS[:floor])
    used = {name.split(".")[1] for name in imports(ROOMS[room]) if name.startswith("bot.")}
    assert used & set(ROOMS) <= below


@pytest.mark.parametrize("room", sorted(PURE))
def test_pure_rooms_do_no_input_or_output(room: str) -> None:
    assert not packages(ROOMS[room]) & IO_LIBRARIES
    ours = {"bot"}
    assert packages(ROOMS[room]) - ours <= sys.stdlib_module_names


def test_only_the_discord_rooms_import_discord() -> None:
    assert {room for room, path in ROOMS.items() if "discord" in packages(path)} == DISCORD_ROOMS


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_sql_and_http_stay_in_their_rooms(library: str) -> None:
    assert {room for room, path in ROOMS.items() if library in packages(path)} <= OWNERS[library]


@pytest.mark.parametrize("path", PRODUCTION, ids=lambda path: path.stem)
def test_production_code_never_imports_demo_or_tests(path: Path) -> None:
    forbidden = {"demo", "tests", "simcord"} | ({"cogs"} if path.parent.name == "bot" else {"sqlalchemy"})
    assert not packages(path) & forbidden

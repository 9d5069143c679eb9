"""The order of the packages: imports point down the list only."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# From the top down. What stands on one line may not import each other either.
ORDER = [
    {"bot.__main__"},
    {"bot.command_line"},
    {"cogs"},
    {"bot.client"},
    {"bot.checks", "bot.maintenance"},
    {"bot.connection", "bot.settings"},
    {"bot.setting_types"},
    {"bot.intake"},
    {"bot.jobs"},
    {"bot.delivery"},
    {"bot.polling"},
    {"bot.cast", "bot.moderation", "bot.quotas"},
    {"bot.media"},
    {"bot.gmi"},
    {"bot.ui"},
    {"bot.slots"},
    {"bot.storage"},
    {"bot.telemetry"},
    {"bot.models"},
    {"bot.tasks"},
    {"bot.clock", "bot.exit_codes", "bot.version"},
]
FLOOR = {place: height for height, places in enumerate(reversed(ORDER)) for place in places}
PURE = (
    "bot/models",
    "bot/quotas/limiter.py",
    "bot/quotas/reach.py",
    "bot/quotas/rules.py",
    "bot/quotas/usage_log.py",
    "bot/clock.py",
)
IO_LIBRARIES = {"aiohttp", "discord", "sqlalchemy"}
# Which packages may speak to the outside world, and how.
OWNERS = {
    "prometheus_client": {"bot.telemetry"},
    "sqlalchemy": {"bot.storage"},
    "discord": {
        "bot.command_line",
        "bot.checks",
        "bot.client",
        "bot.connection",
        "bot.delivery",
        "bot.intake",
        "bot.ui",
        "cogs",
    },
}
FILES = sorted([*(ROOT / "bot").rglob("*.py"), *(ROOT / "cogs").rglob("*.py")])


@functools.cache
def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def libraries(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def place(name: str) -> str | None:
    """Return the place in the order that a dotted name belongs to."""
    parts = name.split(".")
    if parts[0] == "cogs":
        return "cogs"
    return ".".join(parts[:2]) if parts[0] == "bot" and len(parts) > 1 else None


def place_of(path: Path) -> str:
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    return place(dotted) or dotted


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    if path.name == "__init__.py" and path.parent == ROOT / "bot":
        return
    own = place_of(path)
    for name in imports(path):
        used = place(name)
        if used is not None and used != own and f"{used}" in FLOOR:
            assert FLOOR[used] < FLOOR[own], f"{name} stands above {own}"


def test_pure_packages_do_no_input_or_output() -> None:
    pure = [path for path in FILES if str(path.relative_to(ROOT)).startswith(PURE)]
    assert pure
    for path in pure:
        assert libraries(path) - {"bot"} <= sys.stdlib_module_names, path
        assert not libraries(path) & IO_LIBRARIES, path


@pytest.mark.parametrize("library", sorted(OWNERS))
def test_libraries_stay_where_they_belong(library: str) -> None:
    assert {place_of(path) for path in FILES if library in libraries(path)} <= OWNERS[library]


def test_nothing_in_production_imports_what_tests_and_demo_use() -> None:
    for path in FILES:
        assert not libraries(path) & {"bench", "demo", "fakes", "simcord", "tests"}, path


def test_extensions_are_all_that_cogs_holds() -> None:
    for path in (ROOT / "cogs").glob("*.py"):
        assert path.name == "__init__.py" or "async def setup(" in path.read_text(), path

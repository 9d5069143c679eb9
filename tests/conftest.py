"""The stage for every test: the real bot in a simulated Discord, the stand-in GMI Cloud over real HTTP."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import simcord
import stamina
from hypothesis import is_hypothesis_test

from bot.client import connections
from bot.settings import Settings
from bot.storage.storage import Storage
from bot.ui import command_translator
from bot.ui.catalogs import read_catalog
from fakes import media, postgres
from fakes.gmi.cloud import GmiCloud
from fakes.world import SimulatedClock, World, open_world, settings_for

MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of its own in it
MEMORY_NEEDED = 2 * 1024**3  # bytes
GARBAGE_THRESHOLDS = (20_000, 20, 20)  # new objects until a search, and searches until a wider one
# Acceptance tests that reach hardly a line that neither unit tests nor the other acceptance tests reach.
REPEATING = {
    "test_cancel",
    "test_card_buttons",
    "test_commands",
    "test_delivery",
    "test_demo_page",
    "test_first_answer",
    "test_first_video",
    "test_help",
    "test_message_command",
    "test_metrics",
    "test_moderation_age",
    "test_moderation_block",
    "test_quota_command",
    "test_storage",
    "test_trouble",
    "test_uploads",
    "test_vidu",
}


# What goes into breadth, such as every odd answer that GMI Cloud can give, takes most of the time of all
# tests: `make test-long` has it, which CI runs as well. So it has the further cases of acceptance tests.
LONG = {
    "acceptance/test_access",
    "acceptance/test_budget_warnings",
    "acceptance/test_delete",
    "acceptance/test_erased_bytes",
    "acceptance/test_failures",
    "acceptance/test_inspection",
    "acceptance/test_limit_refusals",
    "acceptance/test_links_in_prompts",
    "acceptance/test_modal",
    "acceptance/test_notifications",
    "acceptance/test_odd_answers",
    "acceptance/test_openapi",
    "acceptance/test_polling",
    "acceptance/test_quota_set",
    "acceptance/test_ready_times",
    "acceptance/test_references_on_cards",
    "acceptance/test_remix",
    "acceptance/test_result_links",
    "acceptance/test_small_print",
    "acceptance/test_submitting",
    "acceptance/test_video_search",
    "acceptance/test_videos",
    "process/test_access",
    "process/test_budgets",
    "process/test_events",
    "process/test_fleet",
    "process/test_process",
    "process/test_shards",
    "process/test_slots",
    "process/test_wire",
    "ui/test_every_language",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not for `make test`."""
    for item in items:
        in_breadth = f"{item.path.parent.name}/{item.path.stem}" in LONG
        if in_breadth or ("acceptance" in item.path.parts and is_further_case(item)):
            item.add_marker(pytest.mark.long)


def is_further_case(item: pytest.Item) -> bool:
    """Tell whether a test runs with other than the first of its parameters."""
    case = getattr(item, "callspec", None)
    return case is not None and any(case.indices.values())


def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are processors: tests of the process and of the page wait a lot."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later search for garbage.

    With it, the searches took two fifths of the time of all tests.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    gc.enable()


def pytest_configure() -> None:
    """Put databases into memory where there is room: else each of a thousand tests waits for the disk."""
    gc.disable()  # until everything is collected
    if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_NEEDED:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # read it again


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage, not of fixtures either, where it only costs time: it doubles that of a test."""
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = plugin.cov_controller if plugin else None
    if controller is None or is_measured(item):
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


def is_measured(item: pytest.Item) -> bool:
    """Tell whether a test may reach lines that no other test does.

    The tests of the process run the bot in a process of its own. Properties and state machines take the same
    lines a thousand times that other tests take too, and so does what is marked as repeating.
    """
    function = getattr(item, "obj", None)
    if "process" in item.path.parts or item.name == "runTest" or is_hypothesis_test(function):
        return False
    if item.get_closest_marker("repeating"):
        return False
    return "acceptance" not in item.path.parts or item.path.stem not in REPEATING


@pytest.fixture(autouse=True)
def _no_waiting_between_attempts() -> Iterator[None]:
    """Let retries happen at once: no test sleeps for real."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def _catalogs_are_read_once() -> Iterator[None]:
    """Keep the catalogs of commands: each new database of a test has all commands registered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command_translator, "read_catalog", functools.cache(read_catalog))
        yield


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def stage() -> dict[str, World]:
    """Hold the world for the stand-in, which fetches references from the simulated Discord."""
    return {}


@pytest.fixture
async def cloud(clock: SimulatedClock, stage: dict[str, World]) -> AsyncIterator[GmiCloud]:
    async def fetch(url: str) -> bytes:
        return stage["world"].cdn(url)

    simulated = GmiCloud(now=clock.now, fetch=fetch, render=media.render_quickly, punctual=True)
    async with simulated as running:
        yield running


def pytest_unconfigure() -> None:
    """Stop the Postgres that some test may have started."""
    postgres.stop()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let the migrations make a database once; a copy of it takes a tenth of their time."""
    path = tmp_path_factory.mktemp("migrated") / "vidu.db"

    async def migrate() -> None:
        await (await Storage.open(f"sqlite+aiosqlite:///{path}")).close()

    asyncio.run(migrate())
    return path


@pytest.fixture
def database_url(tmp_path: Path, migrated_file: Path) -> str:
    """Return the database of the bot, new and empty; a test module may choose another one."""
    path = shutil.copyfile(migrated_file, tmp_path / "vidu.db")
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def settings(cloud: GmiCloud, database_url: str, request: pytest.FixtureRequest) -> Settings:
    """Settings of the bot; `@pytest.mark.settings(quota_videos=1)` changes some."""
    marker = request.node.get_closest_marker("settings")
    changes: dict[str, Any] = dict(marker.kwargs) if marker else {}
    return settings_for(cloud, database_url, **changes)


@pytest.fixture
async def simulation(
    cloud: GmiCloud,
    clock: SimulatedClock,
    settings: Settings,
    stage: dict[str, World],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[World]:
    # Connections age in real time, so aiohttp would look at them every minute of a simulated month.
    monkeypatch.setattr(connections, "KEEPALIVE", 24 * 3600.0)
    marker = request.node.get_closest_marker("command_errors")
    async with open_world(cloud, clock, settings) as opened:
        stage["world"] = opened
        yield opened
        # An error that a command swallowed is a failed test, even if nobody looked for it.
        if marker is None:
            opened.env.raise_errors()
        else:
            assert [type(error) for error in opened.env.errors] == marker.kwargs["types"]


@pytest.fixture
def env(simulation: World) -> simcord.Env:
    """Give SimCord's plugin the environment whose clock the test runs on."""
    return simulation.env


@pytest.fixture
def world(simulation: World, env: simcord.Env) -> World:
    return simulation

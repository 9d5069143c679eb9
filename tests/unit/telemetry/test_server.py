"""The three pages over HTTP, the port that is taken, and the probe of the container."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.tasks import Tasks
from bot.telemetry import probe
from bot.telemetry.service import Telemetry
from fakes.ports import free_port
from tests.unit.storage.samples import FixedClock

ROOT = Path(__file__).parents[3]


class WaitingClock(FixedClock):
    """A clock that stands still, and on which one may wait."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await event.wait()


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[tuple[Telemetry, WaitingClock]]:
    clock = WaitingClock()
    tasks = Tasks(clock)
    async with Telemetry(("127.0.0.1", port), clock, tasks, None) as telemetry:
        await asyncio.sleep(0)
        yield telemetry, clock
    await tasks.close()


async def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}{path}"
    async with aiohttp.ClientSession() as session, session.request(method, url) as response:
        return response.status, await response.text()


async def test_each_page_says_how_it_stands() -> None:
    port = free_port()
    async with serving(port) as (telemetry, clock):
        assert await get(port, "/healthz") == (
            200,
            "ok: the event loop was last seen working 0.0 s ago\nok: no background task was given up\n",
        )
        status, text = await get(port, "/readyz")
        assert (status, text.splitlines()[0]) == (503, "failing: the database isn't open yet")
        telemetry.metrics.uploaded(12)
        status, text = await get(port, "/metrics")
        assert (status, "vidu_uploaded_bytes_total 12.0" in text) == (200, True)
        assert "process_resident_memory_bytes" in text

        clock.moment += timedelta(minutes=1)
        status, text = await get(port, "/healthz")
        assert status == 503
        assert text.startswith("failing: the event loop was last seen working 60.0 s ago\n")
        assert (await get(port, "/"))[0] == 404
        assert (await get(port, "/metrics", "POST"))[0] == 405
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(port, "/healthz")


async def test_a_port_that_is_taken_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    async with serving(port) as (first, _), serving(port) as (second, _):
        assert f"port {port} of 127.0.0.1 can't be used (EADDRINUSE)" in caplog.text
        first.metrics.uploaded(1)
        second.metrics.uploaded(2)
        assert "vidu_uploaded_bytes_total 1.0" in (await get(port, "/metrics"))[1]


async def test_with_port_0_nothing_is_served_or_counted() -> None:
    async with serving(0) as (telemetry, _):
        telemetry.metrics.uploaded(1)
        assert telemetry.metrics.exposition() == b""


def test_with_port_0_a_bot_loads_neither_the_server_nor_the_metrics_library() -> None:
    code = (
        "import sys\n"
        "from bot.client.bot import ViduBot\n"
        "from bot.settings import parse\n"
        "fake = {'discord_token': 'fake', 'gmi_api_key': 'fake'}\n"
        "ViduBot(parse(fake | {'http_port': int(sys.argv[1])}))\n"
        "print(sorted({'aiohttp.web', 'bot.telemetry.server', 'prometheus_client'} & set(sys.modules)))\n"
    )

    def loaded(port: str) -> str:
        command = [sys.executable, "-W", "ignore", "-c", code, port]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert loaded("0") == "[]"
    assert loaded("8080") == "['prometheus_client']"


async def test_the_probe_of_the_container_says_what_healthz_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def probed(**environment: str) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = await asyncio.to_thread(probe.main)  # the server that it asks runs here
        return code, capsys.readouterr().out.partition("\n")[0]

    port = free_port()
    assert await probed(HTTP_PORT=str(port)) == (1, "no answer: ConnectionRefusedError")
    async with serving(port) as (_, clock):
        answer = await probed(HTTP_HOST="0.0.0.0")  # noqa: S104
        assert answer == (0, "ok: the event loop was last seen working 0.0 s ago")
        clock.moment += timedelta(minutes=1)
        answer = await probed(HTTP_HOST="127.0.0.1")
        assert answer == (1, "failing: the event loop was last seen working 60.0 s ago")
    assert await probed(HTTP_PORT="0") == (0, "")


def test_the_probe_ends_with_its_code() -> None:
    command = [sys.executable, "-m", "bot.telemetry.probe"]
    done = subprocess.run(
        command, cwd=ROOT, env={"HTTP_PORT": str(free_port())}, check=False, capture_output=True
    )
    assert (done.returncode, done.stdout.strip()) == (1, b"no answer: ConnectionRefusedError")


def test_the_probe_loads_nothing_of_the_bot() -> None:
    code = "import sys, bot.telemetry.probe; print([name for name in sys.modules if name.startswith('bot')])"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "['bot', 'bot.telemetry', 'bot.telemetry.probe']"

"""The real process as whatever watches it sees it: health, readiness, and what it has counted."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from pathlib import Path

import aiohttp

from fakes import media
from fakes.clock import until
from fakes.gmi import script
from fakes.ports import free_port
from fakes.process import Wire, open_wire
from tests.unit.telemetry.exposition import counted, samples

SPEED = 10.0  # slower than usual: a beat that is late by 10 s of the bot is late by one of this machine


class Watcher:
    """Asks the bot's pages."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._base = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(f"{self._base}{path}") as response:
            return response.status, await response.text()

    async def wait_for(self, path: str, status: int, line: str) -> None:
        """Wait until a page answers with this status and line."""
        seen = (0, "")
        async with asyncio.timeout(20):
            while seen[0] != status or line not in seen[1]:
                seen = await self.get(path)
                await asyncio.sleep(0.02)


def assert_metrics_say_what_happened(text: str, wire: Wire) -> None:
    """One video, one failure, and every call that the stand-ins have seen."""
    found = samples(text)
    assert found["vidu_jobs_started_total"] == 2
    assert counted(text, "vidu_jobs_total") == {"{outcome=delivered}": 1, "{outcome=failed}": 1}
    assert counted(text, "vidu_job_failures_total") == {"{reason=failed}": 1}
    assert counted(text, "vidu_jobs_open") == {}
    assert counted(text, "vidu_submits_total") == {"{outcome=accepted}": 2}
    assert counted(text, "vidu_gmi_requests_total")["{operation=submit,outcome=2xx}"] == len(
        wire.cloud.requests
    )
    assert counted(text, "vidu_cost_total") == {"{currency=USD}": 0.5 * 5}
    assert counted(text, "vidu_budget_used_seconds")["{scope=bot}"] == 5
    calls = Counter((call.path.split("/")[1], call.status) for call in wire.discord.calls)
    assert counted(text, "vidu_discord_requests_total") == {
        f"{{outcome={(status or 0) // 100}xx,route={route}}}": times
        for (route, status), times in calls.items()
    }
    interactions = sum(times for (route, _), times in calls.items() if route == "interactions")
    assert found["vidu_acknowledgement_seconds_count"] == interactions == 2
    posted = [file for call in wire.discord.calls for file in call.files]
    assert found["vidu_uploaded_bytes_total"] > sum(len(file.data) for file in posted) > 0
    videos = [file for file in posted if file.name.endswith(".mp4")]
    assert found["vidu_downloaded_bytes_total{kind=video}"] == sum(len(file.data) for file in videos)
    assert found["vidu_downloaded_bytes_total{kind=reference}"] == 2 * len(media.picture())
    assert found["vidu_storage_seconds_count{operation=write}"] > 0
    assert counted(text, "vidu_storage_failures_total") == {}
    assert found["vidu_event_loop_lag_seconds_count"] > 0
    assert found["vidu_task_failures_total"] == 0
    assert (found["vidu_gateway_ready"], found["vidu_commands_registered"]) == (1, 1)


async def test_what_happened_can_be_read_over_http(tmp_path: Path) -> None:
    port = free_port()
    async with (
        open_wire(tmp_path, speed=SPEED, HTTP_PORT=str(port), PRICE_PER_SECOND="0.5") as wire,
        aiohttp.ClientSession() as session,
    ):
        watcher = Watcher(session, port)
        await until(wire.registered, "the commands")
        await wire.ask(1)
        await wire.posted(1, 30)
        wire.cloud.outcome(script.failed("TaskTimeout"))
        await wire.ask(2)
        await until(lambda: wire.state(2) == "failed", "the failure", 30)
        await until(lambda: all(row.settled for row in wire.jobs()), "the last card", 30)

        status, text = await watcher.get("/healthz")
        assert (status, text.count("failing")) == (200, 0)
        assert await watcher.get("/readyz") == (
            200,
            "ok: the database answers\nok: connected to Discord\nok: the commands are registered\n",
        )
        status, text = await watcher.get("/metrics")
        assert status == 200
        assert_metrics_say_what_happened(text, wire)
        assert "interaction-token" not in text

        await wire.discord.gateway.drop(4000)
        wire.discord.gateway.away = True
        await watcher.wait_for("/readyz", 503, "failing: not connected to Discord")
        assert (await watcher.get("/healthz"))[0] == 200  # a restart would not help
        wire.discord.gateway.away = False
        await watcher.wait_for("/readyz", 200, "ok: connected to Discord")
        assert await wire.process.stop() == 0
        assert "Traceback" not in wire.process.logs


async def test_a_taken_port_is_a_warning_and_the_bot_goes_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with open_wire(tmp_path, HTTP_PORT=str(port)) as wire:
            await wire.ask(1)
            await wire.posted(1)

            assert f"port {port} of 127.0.0.1 can't be used" in wire.process.log
            assert "Traceback" not in wire.process.log

"""Requests to GMI Cloud are counted by what they are for and what came of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.gmi import calls
from bot.gmi.client import GmiCloud as Client
from bot.gmi.client import GmiError
from bot.telemetry.metrics import Metrics
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud

MODEL = "vidu-q2-pro-r2v"
PAYLOAD: dict[str, object] = {
    "prompt": "a fox",
    "images": ["https://cdn.example.invalid/a.png"],
    "duration": 5,
    "seed": 7,
}


class Noted(Metrics):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def gmi_called(self, operation: str, outcome: str) -> None:
        self.calls.append((operation, outcome))


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
async def client(server: GmiCloud, noted: Noted) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, server.base_url, "demo-key-not-secret", None, noted)


async def test_each_kind_of_request_has_its_name(client: Client, noted: Noted) -> None:
    accepted = await client.submit(MODEL, PAYLOAD)
    await client.status(accepted.request_id)
    await client.requests(MODEL)
    await client.cancel(accepted.request_id)
    await client.accepts_key(MODEL)
    assert [operation for operation, _ in noted.calls] == ["submit", "status", "list", "cancel", "key"]
    assert noted.calls[:3] == [("submit", "2xx"), ("status", "2xx"), ("list", "2xx")]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (script.rate_limited(1000), "429"),
        (script.BAD_KEY, "4xx"),
        (script.HTML_PAGE, "5xx"),
        (script.redirect("/elsewhere"), "3xx"),
        (script.RESET_BEFORE, "broken"),
        (script.SILENCE, "timeout"),
    ],
)
async def test_what_came_of_a_question_is_one_of_few_words(
    fault: script.Fault,
    outcome: str,
    client: Client,
    noted: Noted,
    server: GmiCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server.fault("GET", "/requests*", fault.repeated(None))
    with pytest.raises(GmiError):
        await client.requests(MODEL)
    # aiohttp itself repeats a question whose kept connection was cut.
    assert noted.calls == [("list", outcome)]


async def test_a_cloud_that_nobody_reaches_is_counted(client: Client, noted: Noted, server: GmiCloud) -> None:
    async with server.away():
        with pytest.raises(GmiError):
            await client.submit(MODEL, PAYLOAD)
    assert noted.calls == [("submit", "no_connection")]

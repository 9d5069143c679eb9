"""The client of GMI Cloud: what each broken call says about whether it arrived, and what answers mean."""

from __future__ import annotations

from typing import NoReturn

import aiohttp
import pytest

from bot.gmi import calls
from bot.gmi.client import GmiCloud as Client
from bot.gmi.client import GmiError, SubmitOutcome
from bot.gmi.errors import RETRY_AFTER_MAX
from bot.models.states import Reason, State
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.gmi.script import Fault

MODEL = "vidu-q2-pro-r2v"
PAYLOAD: dict[str, object] = {
    "prompt": "a fox",
    "images": ["https://cdn.example.invalid/a.png"],
    "duration": 5,
    "seed": 7,
}


async def error_of(client: Client) -> GmiError:
    with pytest.raises(GmiError) as caught:
        await client.submit(MODEL, PAYLOAD)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "outcome", "accepted"),
    [
        (script.RESET_BEFORE, SubmitOutcome.UNCLEAR, 0),
        (script.RESET_AFTER, SubmitOutcome.UNCLEAR, 1),
        (script.CUT, SubmitOutcome.UNCLEAR, 1),
        (script.SILENCE, SubmitOutcome.UNCLEAR, 1),
        (script.HTML_PAGE, SubmitOutcome.UNCLEAR, 0),
        (script.NONSENSE, SubmitOutcome.UNCLEAR, 0),
        (script.answer(500, {"error": "internal"}), SubmitOutcome.UNCLEAR, 0),
        (script.answer(503, "<html>Service Unavailable</html>", "text/html"), SubmitOutcome.UNCLEAR, 0),
        (script.answer(302, "", "text/html"), SubmitOutcome.UNCLEAR, 0),
        (script.answer(303, {"request_id": "r", "status": "queued"}), SubmitOutcome.UNCLEAR, 0),
        (script.answer(307, ""), SubmitOutcome.UNCLEAR, 0),
        (script.answer(408, {"error": "Request Timeout"}), SubmitOutcome.UNCLEAR, 0),
        (script.PROXY_503, SubmitOutcome.UNCLEAR, 0),
        (script.answer(503, {"error": "Service overloaded"}), SubmitOutcome.UNCLEAR, 0),
        (script.backend_error(429), SubmitOutcome.UNCLEAR, 0),
        (script.backend_error(502), SubmitOutcome.UNCLEAR, 0),
        (script.backend_error(403), SubmitOutcome.REFUSED, 0),
        (script.backend_error(422), SubmitOutcome.REFUSED, 0),
        (script.answer(500, {"error": "Backend error (503). Capacity exhausted"}), SubmitOutcome.NOT_SENT, 0),
        (script.CAPACITY, SubmitOutcome.NOT_SENT, 0),
        (script.rate_limited(100), SubmitOutcome.NOT_SENT, 0),
        (script.BACKEND_400, SubmitOutcome.REFUSED, 0),
        (script.BAD_KEY, SubmitOutcome.REFUSED, 0),
        (script.NO_CREDIT, SubmitOutcome.REFUSED, 0),
    ],
)
async def test_what_a_broken_post_says_about_itself(
    fault: Fault,
    outcome: SubmitOutcome,
    accepted: int,
    client: Client,
    server: GmiCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server.fault("POST", "/requests", fault)
    error = await error_of(client)
    assert error.outcome is outcome
    # Never a second POST by itself, whatever the HTTP library thinks of the first.
    assert len(server.requests_seen) == 1
    assert server.paid == accepted
    for secret in ("secret", "demo-key", "http", "<html"):
        assert secret not in str(error)


async def test_a_refused_connection_was_certainly_not_sent(client: Client, server: GmiCloud) -> None:
    async with server.away():
        error = await error_of(client)
    assert (error.outcome, error.reason) == (SubmitOutcome.NOT_SENT, Reason.UNREACHABLE)
    assert str(error) == "no connection: ClientConnectorError"


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (script.RESET_AFTER, "broken off: ServerDisconnectedError"),
        (script.SILENCE, "broken off: "),
        (script.NONSENSE, "unreadable answer with status 200"),
        (script.EMPTY, "unreadable answer with status 200"),
        (script.NESTED, "unreadable answer with status 200"),
    ],
)
async def test_a_broken_post_names_its_cause(
    fault: Fault, text: str, client: Client, server: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server.fault("POST", "/requests", fault)
    error = await error_of(client)
    assert str(error).startswith(text)
    assert "NoneType" not in str(error)
    assert (error.outcome, error.reason) == (SubmitOutcome.UNCLEAR, Reason.UNCLEAR)


async def test_a_connection_that_takes_too_long_was_certainly_not_sent() -> None:
    class NeverConnects(aiohttp.TCPConnector):
        async def connect(self, *_: object, **__: object) -> NoReturn:
            raise aiohttp.ConnectionTimeoutError("for this test")

    async with aiohttp.ClientSession(connector=NeverConnects()) as session:
        error = await error_of(Client(session, "http://127.0.0.1:9", "demo-key-not-secret", None))
    assert (error.outcome, error.reason) == (SubmitOutcome.NOT_SENT, Reason.UNREACHABLE)
    assert str(error) == "no connection in time"


@pytest.mark.parametrize(("told", "waited"), [(100, 1.0), (29970, 29.97), (10**9, RETRY_AFTER_MAX)])
async def test_the_time_to_wait_is_taken_from_the_answer_within_bounds(
    told: int, waited: float, client: Client, server: GmiCloud
) -> None:
    server.fault("POST", "/requests", script.rate_limited(told))
    assert (await error_of(client)).retry_after == waited


async def test_the_header_tells_the_time_where_the_body_does_not(client: Client, server: GmiCloud) -> None:
    server.fault("POST", "/requests", Fault(429, "slow down", "text/plain", {"Retry-After": "12"}))
    assert (await error_of(client)).retry_after == 12


async def test_the_organization_goes_along(client: Client, server: GmiCloud) -> None:
    report = await client.submit(MODEL, PAYLOAD)
    assert report.state is State.QUEUED
    [seen] = server.requests_seen
    assert seen.headers["X-Organization-ID"] == "org-1"
    assert seen.headers["Authorization"] == "Bearer demo-key-not-secret"

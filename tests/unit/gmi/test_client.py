"""The client of GMI Cloud: what each broken call says about whether it arrived, and what answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.gmi import client as gmi
from bot.gmi.client import GmiCloud as Client
from bot.gmi.client import GmiError, SubmitOutcome
from bot.gmi.errors import RETRY_AFTER_MAX
from bot.models.jobs import Reason, State
from fakes import media
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


async def fetch(_: str) -> bytes:
    return media.picture()


@pytest.fixture
async def server() -> AsyncIterator[GmiCloud]:
    async with GmiCloud(fetch=fetch, render=media.render_quickly) as running:
        yield running


@pytest.fixture
async def client(server: GmiCloud) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(session, server.base_url, "demo-key-not-secret", "org-1")


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
    monkeypatch.setattr(gmi, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
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


@pytest.mark.parametrize(("told", "waited"), [(100, 1.0), (29970, 29.97), (10**9, RETRY_AFTER_MAX)])
async def test_the_time_to_wait_is_taken_from_the_answer_within_bounds(
    told: int, waited: float, client: Client, server: GmiCloud
) -> None:
    server.fault("POST", "/requests", script.rate_limited(told))
    assert (await error_of(client)).retry_after == waited


async def test_the_header_tells_the_time_where_the_body_does_not(client: Client, server: GmiCloud) -> None:
    server.fault("POST", "/requests", Fault(429, "slow down", "text/plain", {"Retry-After": "12"}))
    assert (await error_of(client)).retry_after == 12


async def test_the_organisation_goes_along(client: Client, server: GmiCloud) -> None:
    report = await client.submit(MODEL, PAYLOAD)
    assert report.state is State.QUEUED
    [seen] = server.requests_seen
    assert seen.headers["X-Organization-ID"] == "org-1"
    assert seen.headers["Authorization"] == "Bearer demo-key-not-secret"


async def test_a_list_names_the_requests_of_the_model(client: Client, server: GmiCloud) -> None:
    first = await client.submit(MODEL, PAYLOAD)
    second = await client.submit(MODEL, PAYLOAD | {"seed": 8})
    reports = (await client.requests(MODEL)).statuses
    assert {report.request_id for report in reports} == {first.request_id, second.request_id}
    assert [report.payload for report in reports if report.request_id == first.request_id] == [PAYLOAD]


async def test_a_long_list_is_read_as_a_short_one_is(client: Client, server: GmiCloud) -> None:
    sent = PAYLOAD | {"prompt": "a fox " * 300}
    for seed in range(1, 201):
        await client.submit(MODEL, sent | {"seed": seed})
    reports = (await client.requests(MODEL)).statuses
    assert [report.payload for report in reports if report.request_id == reports[0].request_id]
    assert {(report.payload or {})["seed"] for report in reports} == set(range(1, 201))


async def test_an_answer_about_another_request_is_no_answer(client: Client, server: GmiCloud) -> None:
    first = await client.submit(MODEL, PAYLOAD)
    server.fault("GET", "/requests/*", script.answer(200, {"request_id": "other", "status": "failed"}))
    with pytest.raises(GmiError):
        await client.status(first.request_id)
    assert (await client.status(first.request_id)).request_id == first.request_id


@pytest.mark.parametrize("request_id", ["../models/x", "a/b", "/a", "a?b#c", "a%2Fb", "ä ö"])
async def test_an_id_stays_one_part_of_the_path(request_id: str, client: Client, server: GmiCloud) -> None:
    with pytest.raises(GmiError):
        await client.status(request_id)
    assert not await client.cancel(request_id)
    assert {seen.path.rsplit("/requests/", 1)[1] for seen in server.requests_seen} == {request_id}


async def test_an_endless_answer_is_not_read_to_its_end(client: Client, server: GmiCloud) -> None:
    server.fault("GET", "/requests", script.answer(200, " " * (gmi.ANSWER_MAX + 1)))
    with pytest.raises(GmiError, match="too large") as caught:
        await client.requests(MODEL)
    assert caught.value.retry_after == RETRY_AFTER_MAX


async def test_links_without_tls_count_only_from_a_stand_in_on_this_machine(server: GmiCloud) -> None:
    record = {"request_id": "r", "status": "success", "outcome": {"media_urls": ["http://127.0.0.1/a.mp4"]}}
    async with aiohttp.ClientSession() as session:
        for base, found in ((server.base_url, 1), (server.base_url.replace("127.0.0.1", "localhost"), 1)):
            server.fault("GET", "/requests/r", script.answer(200, record))
            report = await Client(session, base, "demo-key-not-secret", None).status("r")
            assert len(report.results) == found
        for base in ("https://127.0.0.1:1", "http://gmi.example.invalid", "https://gmi.example.invalid"):
            assert not Client(session, base, "demo-key-not-secret", None)._plain_http

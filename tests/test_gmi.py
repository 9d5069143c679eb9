"""The client of GMI Cloud: what each broken call says about whether it arrived, and what answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import gmi
from bot.gmi import GmiCloud as Client
from bot.gmi import GmiError, Verdict
from bot.jobs import Reason, State
from demo import gmi_script as script
from demo.gmi_cloud import GmiCloud
from demo.gmi_script import Fault
from tests import media

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


async def verdict_of(client: Client) -> GmiError:
    with pytest.raises(GmiError) as caught:
        await client.submit(MODEL, PAYLOAD)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "verdict", "accepted"),
    [
        (script.RESET_BEFORE, Verdict.UNCLEAR, 0),
        (script.RESET_AFTER, Verdict.UNCLEAR, 1),
        (script.CUT, Verdict.UNCLEAR, 1),
        (script.SILENCE, Verdict.UNCLEAR, 1),
        (script.HTML_PAGE, Verdict.UNCLEAR, 0),
        (script.NONSENSE, Verdict.UNCLEAR, 0),
        (script.answer(500, {"error": "internal"}), Verdict.UNCLEAR, 0),
        (script.answer(503, "<html>Service Unavailable</html>", "text/html"), Verdict.UNCLEAR, 0),
        (script.answer(302, "", "text/html"), Verdict.UNCLEAR, 0),
        (script.CAPACITY, Verdict.NOT_SENT, 0),
        (script.rate_limited(100), Verdict.NOT_SENT, 0),
        (script.BACKEND_400, Verdict.REFUSED, 0),
        (script.BAD_KEY, Verdict.REFUSED, 0),
        (script.NO_CREDIT, Verdict.REFUSED, 0),
    ],
)
async def test_what_a_broken_post_says_about_itself(
    fault: Fault,
    verdict: Verdict,
    accepted: int,
    client: Client,
    server: GmiCloud,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gmi, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server.fault("POST", "/requests", fault)
    error = await verdict_of(client)
    assert error.verdict is verdict
    # Never a second POST by itself, whatever the HTTP library thinks of the first.
    assert len(server.requests_seen) == 1
    assert server.paid == accepted
    for secret in ("secret", "demo-key", "http", "<html"):
        assert secret not in str(error)


async def test_a_refused_connection_was_certainly_not_sent(client: Client, server: GmiCloud) -> None:
    async with server.away():
        error = await verdict_of(client)
    assert (error.verdict, error.reason) == (Verdict.NOT_SENT, Reason.UNREACHABLE)


@pytest.mark.parametrize(("told", "waited"), [(100, 1.0), (29970, 29.97), (10**9, gmi.RETRY_AFTER_MAX)])
async def test_the_time_to_wait_is_taken_from_the_answer_within_bounds(
    told: int, waited: float, client: Client, server: GmiCloud
) -> None:
    server.fault("POST", "/requests", script.rate_limited(told))
    assert (await verdict_of(client)).retry_after == waited


async def test_the_header_tells_the_time_where_the_body_does_not(client: Client, server: GmiCloud) -> None:
    server.fault("POST", "/requests", Fault(429, "slow down", "text/plain", {"Retry-After": "12"}))
    assert (await verdict_of(client)).retry_after == 12


async def test_the_organisation_goes_along(client: Client, server: GmiCloud) -> None:
    report = await client.submit(MODEL, PAYLOAD)
    assert report.state is State.QUEUED
    [seen] = server.requests_seen
    assert seen.headers["X-Organization-ID"] == "org-1"
    assert seen.headers["Authorization"] == "Bearer demo-key-not-secret"


async def test_a_list_names_the_requests_of_the_model(client: Client, server: GmiCloud) -> None:
    first = await client.submit(MODEL, PAYLOAD)
    second = await client.submit(MODEL, PAYLOAD | {"seed": 8})
    reports = await client.requests(MODEL)
    assert {report.request_id for report in reports} == {first.request_id, second.request_id}
    assert [report.payload for report in reports if report.request_id == first.request_id] == [PAYLOAD]


async def test_a_long_list_is_read_as_a_short_one_is(client: Client, server: GmiCloud) -> None:
    sent = PAYLOAD | {"prompt": "a fox " * 300}
    for seed in range(1, 201):
        await client.submit(MODEL, sent | {"seed": seed})
    reports = await client.requests(MODEL)
    assert [report.payload for report in reports if report.request_id == reports[0].request_id]
    assert {(report.payload or {})["seed"] for report in reports} == set(range(1, 201))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
record_keys = st.sampled_from(
    ["request_id", "status", "outcome", "payload", "created_at", "error", "reason", "model"]
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine generates slowly
@given(st.dictionaries(record_keys, json_values))
def test_no_record_breaks_the_reader(record: dict[str, object]) -> None:
    report = gmi._parse_record(record)
    assert (report is None) or isinstance(report.request_id, str)


@given(
    st.sampled_from(["success", "failed", "cancelled", "processing", "queued", "warming_up", ""]),
    json_values,
)
def test_every_end_without_a_video_has_a_reason(status: str, outcome: object) -> None:
    report = gmi._parse_record({"request_id": "r", "status": status, "outcome": outcome})
    assert report is not None
    if report.state is State.SUCCEEDED:
        assert report.results
    if report.state in {State.FAILED, State.CANCELLED}:
        assert report.reason is not None

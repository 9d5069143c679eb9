"""Questions of the client of GMI Cloud: status, list and cancellation."""

from __future__ import annotations

import json
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.gmi import calls
from bot.gmi import client as gmi
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


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (script.RESET_BEFORE, "no answer: "),
        (script.CUT, "no answer: ClientPayloadError"),
        (script.SILENCE, "no answer: "),
        (script.NONSENSE, "unreadable "),
        (script.EMPTY, "unreadable "),
        (script.NESTED, "unreadable "),
        (script.NOT_UTF8, "unreadable "),
        (script.HTML_PAGE, "status 502"),
        (script.redirect("/elsewhere"), "status 302"),
        (script.answer(300, {"request_id": "r", "status": "queued", "requests": []}), "status 300"),
    ],
)
async def test_a_question_that_goes_wrong_says_nothing_about_the_request(
    fault: Fault, text: str, client: Client, server: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server.fault("GET", "/requests*", fault.repeated(None))
    questions = (client.status("r"), "unreadable status"), (client.requests(MODEL), "unreadable list")
    for question, name in questions:
        with pytest.raises(GmiError) as caught:
            await question
        error = caught.value
        assert (error.outcome, error.reason) == (SubmitOutcome.NOT_SENT, Reason.UNREACHABLE)
        assert str(error).startswith(name if text == "unreadable " else text)
        assert "NoneType" not in str(error)
        assert (error.retry_after, error.detail) == (None, None)
    paths = {seen.path.rsplit("/", 1)[1] for seen in server.requests_seen}
    assert paths == {"r", "requests"}  # nobody follows a redirect with the key


@pytest.mark.parametrize(
    ("status", "reason"), [(401, Reason.KEY), (403, Reason.KEY), (404, Reason.UNREACHABLE)]
)
async def test_a_refused_key_is_told_apart_from_an_outage(
    status: int, reason: Reason, client: Client, server: GmiCloud
) -> None:
    answer = Fault(status, "no", "text/plain", {"Retry-After": "9"})
    server.fault("GET", "/requests*", answer.repeated(None))
    for question in (client.status("r"), client.requests(MODEL)):
        with pytest.raises(GmiError, match=f"^status {status}$") as caught:
            await question
        assert (caught.value.reason, caught.value.retry_after) == (reason, 9.0)


async def test_a_key_is_accepted_where_a_model_may_be_asked_about(client: Client, server: GmiCloud) -> None:
    assert await client.accepts_key(MODEL)
    assert await client.accepts_key("vidu-of-tomorrow")  # a 404, and no word against the key
    server.keys.clear()
    assert not await client.accepts_key(MODEL)
    server.keys.add("demo-key-not-secret")
    assert await client.accepts_key(MODEL)
    assert {seen.method for seen in server.requests_seen} == {"GET"}
    assert server.paid == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_is_known_by_the_status(
    status: int, client: Client, server: GmiCloud
) -> None:
    server.fault("GET", "/models/*", script.answer(status, "no"))
    assert not await client.accepts_key(MODEL)


@pytest.mark.parametrize("fault", [script.HTML_PAGE, script.RESET_BEFORE, Fault(429), Fault(302)])
async def test_nobody_knows_of_a_key_where_gmi_does_not_answer(
    fault: Fault, client: Client, server: GmiCloud
) -> None:
    server.fault("GET", "/models/*", fault.repeated(None))
    with pytest.raises(GmiError) as caught:
        await client.accepts_key(MODEL)
    assert caught.value.reason is Reason.UNREACHABLE


@pytest.mark.parametrize(
    ("fault", "agreed"),
    [
        (script.answer(200, {}), True),
        (script.answer(202, ""), True),
        (script.answer(300, ""), False),
        (script.answer(404, ""), False),
        (script.HTML_PAGE, False),
        (script.RESET_BEFORE, False),
        (script.SILENCE, False),
    ],
)
async def test_a_cancellation_counts_only_where_gmi_agrees(
    fault: Fault, agreed: bool, client: Client, server: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", aiohttp.ClientTimeout(total=0.2))
    server.fault("DELETE", "/requests/*", fault)
    assert await client.cancel("r") is agreed
    assert {(seen.method, seen.path.rsplit("/", 1)[1]) for seen in server.requests_seen} == {("DELETE", "r")}


async def test_a_request_can_be_cancelled_while_it_waits(client: Client, server: GmiCloud) -> None:
    sent = await client.submit(MODEL, PAYLOAD)
    assert await client.cancel(sent.request_id)
    assert (await client.status(sent.request_id)).state is State.CANCELLED
    assert not await client.cancel(sent.request_id)


async def test_a_list_names_the_requests_of_the_model(client: Client, server: GmiCloud) -> None:
    first = await client.submit(MODEL, PAYLOAD)
    second = await client.submit(MODEL, PAYLOAD | {"seed": 8})
    reports = (await client.requests(MODEL)).statuses
    assert {report.request_id for report in reports} == {first.request_id, second.request_id}
    assert [report.payload for report in reports if report.request_id == first.request_id] == [PAYLOAD]


@pytest.mark.parametrize("size", [gmi.LONG_LIST - 1, gmi.LONG_LIST, gmi.LONG_LIST + 1])
async def test_a_long_list_is_read_as_a_short_one_is(size: int, client: Client, server: GmiCloud) -> None:
    record = {"request_id": "r", "status": "success", "outcome": {"url": "http://127.0.0.1/a.mp4"}}
    body = json.dumps({"requests": [record]})
    server.fault("GET", "/requests", script.answer(200, body + " " * (size - len(body))))
    page = await client.requests(MODEL)
    assert (page.size, page.records) == (size, 1)
    [found] = page.statuses
    assert (found.state, found.results) == (State.SUCCEEDED, ("http://127.0.0.1/a.mp4",))


async def test_an_answer_may_be_as_long_as_that(client: Client, server: GmiCloud) -> None:
    body = '{"requests": []}'
    server.fault("GET", "/requests", script.answer(200, body + " " * (calls.ANSWER_MAX - len(body))))
    assert (await client.requests(MODEL)).size == calls.ANSWER_MAX


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
    assert {seen.path.count("requestqueue/apikey/requests") for seen in server.requests_seen} == {1}


@pytest.mark.parametrize("request_id", ["a/b", "../x", "a?b#c", "a%2Fb", "a%zz", "äö", "a+b", "a&b=c"])
async def test_a_request_is_asked_for_by_its_very_id(
    request_id: str, client: Client, server: GmiCloud
) -> None:
    server.add_stranger({}, request_id=request_id)
    assert (await client.status(request_id)).request_id == request_id


async def test_an_endless_answer_is_not_read_to_its_end(client: Client, server: GmiCloud) -> None:
    server.fault("GET", "/requests", script.answer(200, " " * (calls.ANSWER_MAX + 1)))
    with pytest.raises(GmiError, match=r"^answer too large$") as caught:
        await client.requests(MODEL)
    assert caught.value.retry_after == RETRY_AFTER_MAX
    assert (caught.value.outcome, caught.value.reason) == (SubmitOutcome.NOT_SENT, Reason.UNREACHABLE)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("slashes", ["", "/", "//"])
async def test_links_without_tls_count_from_a_stand_in_on_this_machine(
    host: str, slashes: str, server: GmiCloud
) -> None:
    record = {"request_id": "r", "status": "success", "outcome": {"media_urls": ["http://127.0.0.1/a.mp4"]}}
    server.fault("*", "/requests*", script.answer(200, record).repeated(None))
    async with aiohttp.ClientSession() as session:
        base = server.base_url.replace("127.0.0.1", host) + slashes
        local = Client(session, base, "demo-key-not-secret", None)
        assert (await local.status("r")).results == ("http://127.0.0.1/a.mp4",)
        assert (await local.submit(MODEL, PAYLOAD)).results == ("http://127.0.0.1/a.mp4",)
    assert {seen.path.rsplit("/requests", 1)[0] for seen in server.requests_seen} == {gmi.QUEUE_PATH}
    assert "X-Organization-ID" not in server.requests_seen[0].headers


async def test_a_base_address_may_have_a_path(server: GmiCloud) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(GmiError, match="status 404"):
            await Client(session, f"{server.base_url}/viaX/", "demo-key-not-secret", None).status("r")
    assert server.requests_seen[0].path == f"/viaX{gmi.QUEUE_PATH}/requests/r"


async def test_links_without_tls_count_from_nobody_else(server: GmiCloud) -> None:
    class Elsewhere(AbstractResolver):
        """Knows the address of a name that is not this machine's."""

        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            address = {"hostname": host, "host": "127.0.0.1", "port": port, "proto": 0, "flags": 0}
            return [ResolveResult(family=socket.AF_INET, **address)]  # type: ignore[typeddict-item]

        async def close(self) -> None:
            pass

    record = {"request_id": "r", "status": "success", "outcome": {"media_urls": ["http://127.0.0.1/a.mp4"]}}
    server.fault("GET", "/requests*", script.answer(200, record).repeated(None))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Elsewhere())) as session:
        base = server.base_url.replace("127.0.0.1", "gmi.example.invalid")
        found = await Client(session, base, "demo-key-not-secret", None).status("r")
    assert (found.state, found.results) == (State.SUCCEEDED, ())

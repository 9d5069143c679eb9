"""The stand-in GMI Cloud keeps the documented contract, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.models.requests import MODEL, PROMPT_MAX
from fakes.gmi.cloud import DEMO_KEY
from fakes.gmi.queue import QUEUE
from fakes.gmi.render import render
from fakes.media import picture
from tests.unit.fakes.gmi_caller import EPOCH, IMAGE, PAYLOAD, VIDEO, Caller, open_queue


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with open_queue() as opened:
        yield opened


async def test_a_request_is_accepted_as_documented(
    caller: Caller,
) -> None:
    status, body = await caller.post()
    assert status == 200
    assert body == {
        "request_id": body["request_id"],
        "model": MODEL,
        "status": "queued",
        "created_at": int(EPOCH.timestamp()),
    }
    assert caller.cloud.paid == 1
    assert [request.payload for request in caller.cloud.posts] == [PAYLOAD]
    [seen] = caller.cloud.requests_seen
    assert (seen.method, seen.path) == ("POST", f"{QUEUE}/requests")
    assert seen.headers["Authorization"] == f"Bearer {DEMO_KEY}"
    assert seen.body == {"model": MODEL, "payload": PAYLOAD}


async def test_statuses_pass_with_the_given_clock(
    caller: Caller,
) -> None:
    request_id = await caller.submit()
    found = []
    for seconds in (0, 2, 2, 8):
        caller.clock.advance(seconds)
        record = await caller.record(request_id)
        found.append((record["status"], record["updated_at"] - record["created_at"]))
    assert found == [("queued", 0), ("dispatched", 1), ("processing", 3), ("success", 11)]


async def test_the_record_of_a_success_leads_to_the_video(
    caller: Caller,
) -> None:
    request_id = await caller.submit()
    assert (await caller.record(request_id))["outcome"] is None
    caller.clock.advance(11)
    record = await caller.record(request_id)
    assert set(record) == {
        "request_id",
        "model",
        "status",
        "outcome",
        "payload",
        "created_at",
        "updated_at",
        "queued_at",
    }
    assert record["payload"] == PAYLOAD
    [media] = record["outcome"]["media_urls"]
    assert media["id"] == "0"
    status, kind, content = await caller.download(media["url"])
    assert (status, kind) == (200, "video/mp4")
    assert await caller.download(media["url"], Range="bytes=4-7") == (206, "video/mp4", content[4:8])


async def test_it_succeeds_only_when_the_video_is_rendered() -> None:
    gate = asyncio.Event()

    async def fetch(_: str) -> bytes:
        await gate.wait()
        return picture()

    async with open_queue(fetch=fetch) as caller:
        _, body = await caller.post()
        caller.clock.advance(60)
        assert (await caller.record(body["request_id"]))["status"] == "processing"
        gate.set()
        rendering = caller.cloud.posts[0].rendering
        assert rendering is not None
        await rendering
        assert (await caller.record(body["request_id"]))["status"] == "success"


async def test_optional_fields_may_be_left_out(caller: Caller) -> None:
    assert (await caller.post(duration=..., seed=...))[0] == 200


@pytest.mark.parametrize("key", [None, "another", DEMO_KEY.upper()])
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/requests"), ("GET", "/requests"), ("GET", "/requests/x"), ("POST", "/upload-url")],
)
async def test_a_wrong_key_is_refused(method: str, path: str, key: str | None, caller: Caller) -> None:
    assert await caller.call(method, path, key=key) == (401, {"error": "Invalid API key"})


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": ...},
        {"prompt": ""},
        {"prompt": 5},
        {"prompt": "x" * (PROMPT_MAX + 1)},
        {"seed": None},
        {"images": []},
        {"videos": []},
        {"images": ...},
        {"images": IMAGE},
        {"images": [5]},
        {"images": ["data:image/png;base64,AA=="]},
        {"images": [IMAGE] * 8},
        {"images": [IMAGE] * 5, "videos": [VIDEO]},
        {"images": ..., "videos": [VIDEO] * 3},
        {"duration": 0},
        {"duration": 11},
        {"duration": 5.0},
        {"duration": "5"},
        {"duration": True},
        {"seed": "7"},
        {"seed": 7.5},
    ],
)
async def test_a_wrong_payload_is_refused(
    changes: dict[str, Any],
    caller: Caller,
) -> None:
    status, body = await caller.post(**changes)
    assert status == 400
    assert set(body) == {"error"}
    assert caller.cloud.paid == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": "x" * PROMPT_MAX},
        {"images": [IMAGE] * 7},
        {"images": [IMAGE] * 4, "videos": [VIDEO] * 2},
        {"images": ..., "videos": [VIDEO]},
        {"duration": 1},
        {"duration": 10},
    ],
)
async def test_the_limits_themselves_are_allowed(changes: dict[str, Any], caller: Caller) -> None:
    assert (await caller.post(**changes))[0] == 200


async def test_a_misnamed_field_is_told(
    caller: Caller,
) -> None:
    status, _ = await caller.post(image_urls=[IMAGE], images=...)
    assert status == 400
    assert caller.cloud.misnamed == ["image_urls"]


@pytest.mark.parametrize("body", [None, [], {"model": MODEL}, {"model": MODEL, "payload": []}])
async def test_a_body_without_a_payload_is_refused(body: Any, caller: Caller) -> None:
    assert (await caller.call("POST", "/requests", body))[0] == 400


async def test_what_does_not_exist_is_not_found(caller: Caller) -> None:
    body = {"model": "vidu-q9", "payload": PAYLOAD}
    assert await caller.call("POST", "/requests", body) == (404, {"error": "model vidu-q9 does not exist"})
    assert (await caller.call("GET", "/requests/unknown"))[0] == 404
    assert (await caller.call("DELETE", "/requests/unknown"))[0] == 404
    assert (await caller.call("GET", "/models/unknown"))[0] == 404


async def test_the_model_describes_its_parameters(caller: Caller) -> None:
    status, body = await caller.call("GET", f"/models/{MODEL}")
    assert status == 200
    parameters = {parameter["name"]: parameter for parameter in body["parameters"]}
    assert set(parameters) == {"prompt", "images", "videos", "duration", "seed"}
    assert (parameters["duration"]["type"], parameters["duration"]["max_value"]) == ("integer", 10)


async def test_the_list_shows_the_requests_of_a_model(caller: Caller) -> None:
    first, second = await caller.submit(), await caller.submit(seed=8)
    status, body = await caller.call("GET", f"/requests?model_id={MODEL}")
    assert status == 200
    assert [record["request_id"] for record in body["requests"]] == [second, first]
    assert await caller.call("GET", "/requests?model_id=other") == (200, {"requests": []})


@pytest.mark.parametrize(
    ("mode", "status"),
    [("empty", 200), ("error", 500), ("html", 502), ("missing", 404), ("other shape", 200)],
)
async def test_the_list_can_misbehave(
    mode: str,
    status: int,
    caller: Caller,
) -> None:
    await caller.submit()
    caller.cloud.list_mode = mode
    for _ in range(2):
        found, body = await caller.call("GET", "/requests")
        assert found == status
        assert MODEL not in str(body)


async def test_a_request_in_line_can_be_cancelled_and_one_at_work_cannot(
    caller: Caller,
) -> None:
    waiting, working = await caller.submit(), await caller.submit()
    assert (await caller.call("DELETE", f"/requests/{waiting}"))[0] == 200
    caller.clock.advance(4)
    assert (await caller.call("DELETE", f"/requests/{working}"))[0] == 409
    assert (await caller.call("DELETE", f"/requests/{waiting}"))[0] == 409
    assert (await caller.record(waiting))["status"] == "cancelled"
    assert (await caller.record(working))["status"] == "processing"


async def test_an_upload_becomes_a_reference(
    caller: Caller,
) -> None:
    _, places = await caller.call("POST", "/upload-url", {"file_type": "jpg"})
    headers = {"Content-Type": "image/jpg"}
    put = caller.session.put
    async with put(places["upload_url"], data=b"x", headers={"Content-Type": "image/jpeg"}) as answer:
        assert answer.status == 403
    async with put(
        places["upload_url"], data=b"x", headers=headers | {"Authorization": "Bearer x"}
    ) as answer:
        assert answer.status == 400
    async with put(places["public_url"], data=b"x", headers=headers) as answer:
        assert answer.status == 403
    async with put(places["upload_url"], data=picture(), headers=headers) as answer:
        assert answer.status == 200
    assert await caller.download(places["public_url"]) == (200, "image/jpg", picture())
    request_id = await caller.submit(images=[places["public_url"]])
    caller.clock.advance(11)
    assert (await caller.record(request_id))["status"] == "success"


async def test_an_upload_link_expires(
    caller: Caller,
) -> None:
    _, places = await caller.call("POST", "/upload-url", {"file_type": "png"})
    caller.clock.advance(899)
    headers = {"Content-Type": "image/png"}
    async with caller.session.put(places["upload_url"], data=b"x", headers=headers) as answer:
        assert answer.status == 400
    assert (await caller.download(places["public_url"]))[0] == 404
    assert (await caller.call("POST", "/upload-url", {"file_type": "exe"}))[0] == 400


async def test_a_reference_that_cannot_be_fetched_fails_the_request(
    caller: Caller,
) -> None:
    request_id = await caller.submit(images=["https://cdn.example.invalid/gone.png?sig=1"])
    caller.clock.advance(11)
    record = await caller.record(request_id)
    assert record["status"] == "failed"
    assert record["outcome"]["error"].startswith("ImageDownloadFailure: ")
    assert "gone.png?sig=1" in record["outcome"]["error"]


async def test_a_reference_that_is_no_picture_fails_the_request() -> None:
    async def fetch(_: str) -> bytes:
        return b"no picture"

    async with open_queue(fetch=fetch, render=render) as caller:
        for changes in ({}, {"images": ..., "videos": [VIDEO]}):
            request_id = await caller.submit(**changes)
            caller.clock.advance(11)
            record = await caller.record(request_id)
            assert record["outcome"] == {"error": "ImageFormatInvalid: a reference cannot be read"}

"""The stand-in GMI Cloud misbehaves as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from fakes.gmi import script
from fakes.gmi.script import Outcome
from tests.unit.fakes.gmi_caller import Caller, open_queue


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with open_queue() as opened:
        yield opened


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (script.BAD_KEY, 401),
        (script.NO_CREDIT, 402),
        (script.CAPACITY, 503),
        (script.BACKEND_400, 500),
        (script.POLICY, 400),
        (script.HTML_PAGE, 502),
    ],
)
async def test_a_fault_is_played_once(fault: script.Fault, status: int, caller: Caller) -> None:
    caller.cloud.fault("POST", "/requests", fault)
    assert (await caller.post())[0] == status
    assert caller.cloud.paid == 0
    assert (await caller.post())[0] == 200


async def test_too_many_requests_are_answered_as_documented(
    caller: Caller,
) -> None:
    caller.cloud.fault("POST", "/requests", script.rate_limited(29970).repeated(2))
    answers = [await caller.post() for _ in range(3)]
    assert [status for status, _ in answers] == [429, 429, 200]
    assert answers[0][1]["rate_limit"] == {
        "limit_type": "RPM",
        "limit": 2,
        "interval_seconds": 60,
        "retry_after_ms": 29970,
    }


@pytest.mark.parametrize(
    ("fault", "paid"), [(script.RESET_BEFORE, 0), (script.RESET_AFTER, 1), (script.CUT, 1)]
)
async def test_a_connection_breaks_before_or_after_the_request_is_accepted(
    fault: script.Fault, paid: int, caller: Caller
) -> None:
    caller.cloud.fault("POST", "/requests", fault)
    with pytest.raises(aiohttp.ClientError):
        await caller.post()
    assert caller.cloud.paid == paid


async def test_silence_ends_only_with_the_server(caller: Caller) -> None:
    caller.cloud.fault("POST", "/requests", script.SILENCE)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(caller.post(), 0.2)
    assert caller.cloud.paid == 1


async def test_connections_are_refused_while_it_is_away(caller: Caller) -> None:
    await caller.submit()
    async with caller.cloud.away():
        with pytest.raises(aiohttp.ClientConnectorError):
            await caller.post()
    assert (await caller.post())[0] == 200


async def end_of(caller: Caller, outcome: Outcome) -> dict[str, Any]:
    caller.cloud.outcome(outcome)
    request_id = await caller.submit()
    caller.clock.advance(12)
    return await caller.record(request_id)


@pytest.mark.parametrize(
    ("outcome", "status", "result"),
    [
        (script.WITHOUT_LINK, "success", {"media_urls": []}),
        (script.failed("TaskTimeout"), "failed", {"error": "TaskTimeout"}),
        (script.failed(None), "failed", None),
        (script.CANCELLED, "cancelled", None),
        (script.STUCK, "queued", None),
        (Outcome(delay=60), "queued", None),
        (Outcome(delay=5, working_word="warming_up"), "warming_up", None),
    ],
)
async def test_a_scripted_end(
    outcome: Outcome,
    status: str,
    result: dict[str, Any] | None,
    caller: Caller,
) -> None:
    record = await end_of(caller, outcome)
    assert (record["status"], record["outcome"]) == (status, result)


async def test_a_failure_can_tell_its_reason_beside_the_outcome(caller: Caller) -> None:
    record = await end_of(caller, script.failed_at_top("AuditSubmitIllegal", "reason"))
    assert (record["outcome"], record["reason"]) == (None, "AuditSubmitIllegal")


async def test_the_shapes_of_a_success(
    caller: Caller,
) -> None:
    several = await end_of(caller, Outcome(videos=3))
    assert [media["id"] for media in several["outcome"]["media_urls"]] == ["0", "1", "2"]
    older = await end_of(caller, Outcome(old_shape=True))
    assert set(older["outcome"]) == {"video_url", "thumbnail_image_url"}
    assert (await caller.download(older["outcome"]["video_url"]))[0] == 200
    broken = await end_of(caller, Outcome(broken_links=True, echoes=False))
    assert broken["payload"] == {}
    assert (await caller.download(broken["outcome"]["media_urls"][0]["url"]))[0] == 404


@pytest.mark.parametrize("shape", sorted(script.SHAPES))
async def test_every_shape_of_links_leads_to_the_video(shape: str, caller: Caller) -> None:
    outcome = (await end_of(caller, Outcome(shape=shape)))["outcome"]
    first = (
        outcome["media_urls"][0] if "media_urls" in outcome else outcome.get("url", outcome.get("video_url"))
    )
    link = first["url"] if isinstance(first, dict) else first
    assert (await caller.download(link))[0] == 200


async def test_a_link_can_come_late_and_the_list_can_leave_it_out(caller: Caller) -> None:
    late = await end_of(caller, Outcome(link_after=30, listed_end=False, success_word="finished"))
    assert (late["status"], late["outcome"]) == ("finished", None)
    caller.clock.advance(30)
    assert (await caller.record(late["request_id"]))["outcome"]["media_urls"]
    [listed] = (await caller.call("GET", "/requests"))[1]["requests"]
    assert (listed["status"], listed["outcome"]) == ("finished", None)


async def test_echoes_and_times_can_be_told_in_other_ways(caller: Caller) -> None:
    record = await end_of(caller, Outcome(defaults={"resolution": "720p"}, listed_echo=False, clock="text"))
    assert record["payload"]["resolution"] == "720p"
    assert record["created_at"].startswith("2026-01-01T")
    [listed] = (await caller.call("GET", "/requests"))[1]["requests"]
    assert listed["payload"] == {}


async def test_the_list_can_show_another_clients_requests(caller: Caller) -> None:
    stranger = caller.cloud.add_stranger({"prompt": "theirs", "seed": 3}, age=60)
    assert (await caller.call("GET", "/requests"))[1]["requests"] == [stranger]
    assert await caller.record(stranger["request_id"]) == stranger
    assert caller.cloud.paid == 0
    assert caller.cloud.listed_bytes > 0


async def test_the_answer_to_a_post_can_name_the_end_only(caller: Caller) -> None:
    caller.cloud.outcome(Outcome(synchronous=True, bare=True))
    _, body = await caller.post()
    assert (body["status"], "outcome" in body) == ("success", False)


async def test_the_answer_to_a_post_can_be_the_end(
    caller: Caller,
) -> None:
    caller.cloud.outcome(Outcome(synchronous=True))
    _, body = await caller.post()
    assert body["status"] == "success"
    assert (await caller.download(body["outcome"]["media_urls"][0]["url"]))[0] == 200


async def test_words_in_a_prompt_provoke_trouble() -> None:
    async with open_queue(prompt_faults=True) as caller:
        for _ in range(2):
            assert (await caller.post(prompt="a fox !credit"))[0] == 402
        # The same submission is let through when it comes again, another one is not.
        for seed, statuses in ((1, [429, 200]), (2, [429, 200])):
            assert [(await caller.post(prompt="!busy", seed=seed))[0] for _ in range(2)] == statuses
        ends = {word: await caller.submit(prompt=f"a fox {word}") for word in ("!fail", "!slow", "!cancel")}
        caller.clock.advance(12)
        found = {word: (await caller.record(request_id))["status"] for word, request_id in ends.items()}
        assert found == {"!fail": "failed", "!slow": "queued", "!cancel": "cancelled"}

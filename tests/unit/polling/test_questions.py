"""Questions to GMI Cloud that go wrong: a refused key is no outage, and no trouble ends a job."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from bot.models.states import State
from fakes.gmi import script
from fakes.gmi.script import Fault
from tests.unit.polling.rig import Rig, rigged

REFUSED = "GMI Cloud refuses the API key"
ACCEPTED = "GMI Cloud accepts the API key again"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged() as rig:
        yield rig


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= level and record.name.startswith("bot.polling")
    ]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_logged_once_and_jobs_stay_open(
    status: int, rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    refusal = script.answer(status, {"error": "Invalid API key"}).repeated(None)
    jobs = [await rig.submit() for _ in range(3)]
    rig.cloud.fault("GET", "*", refusal)
    await rig.advance(600)
    [line] = logged(caplog, logging.WARNING)
    assert line.startswith(REFUSED)
    assert f"status {status}" in line
    assert "GMI_API_KEY" in line
    assert "demo-key" not in caplog.text
    assert rig.updates == []
    rig.cloud.heal()
    await rig.advance(61)
    assert logged(caplog)[-1] == ACCEPTED
    assert logged(caplog).count(ACCEPTED) == 1
    for job in jobs:
        assert rig.states(job)[-1] is State.SUCCEEDED


async def test_a_refused_key_is_asked_with_once_a_minute_at_most(rig: Rig) -> None:
    jobs = [await rig.submit() for _ in range(3)]
    rig.cloud.fault("GET", "*", script.BAD_KEY.repeated(None))
    await rig.advance(30)
    before = rig.seen
    await rig.advance(120)
    asked = rig.asked(before)
    assert asked["requests"] <= 2
    assert all(1 <= asked[job.request_id or ""] <= 2 for job in jobs)


async def test_a_deadline_comes_in_time_while_the_key_is_refused(rig: Rig) -> None:
    rig.cloud.fault("GET", "*", script.BAD_KEY.repeated(None))
    job = await rig.submit(deadline=90)
    await rig.advance(89)
    assert rig.states(job) == []
    await rig.advance(2)
    assert rig.states(job) == [None]


async def test_an_outage_is_no_refused_key(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    job = await rig.submit()
    await rig.submit()
    rig.cloud.fault("GET", "*", script.HTML_PAGE.repeated(None))
    await rig.advance(20)
    lines = logged(caplog)
    assert REFUSED not in "".join(lines)
    assert [line for line in lines if line.startswith("No list (status 502)")]
    assert len([line for line in lines if line.startswith(f"Job {job.id}: no status (status 502)")]) > 1
    rig.cloud.heal()
    await rig.advance(60)
    assert ACCEPTED not in logged(caplog)
    assert rig.states(job)[-1] is State.SUCCEEDED


@pytest.mark.parametrize("path", ["/requests", "/requests/*"])
async def test_the_wait_that_gmi_names_is_kept(path: str, rig: Rig) -> None:
    jobs = [await rig.submit(), await rig.submit()]
    rig.cloud.fault("GET", path, Fault(429, "", "text/plain", {"Retry-After": "300"}).repeated(None))
    if path != "/requests":
        rig.cloud.list_mode = "missing"
    await rig.advance(299)
    asked = rig.asked()
    if path == "/requests":
        assert asked["requests"] == 1
    else:
        assert [asked[job.request_id or ""] for job in jobs] == [1, 1]
    rig.cloud.heal()
    rig.cloud.list_mode = "ok"
    await rig.advance(62)
    for job in jobs:
        assert rig.states(job)[-1] is State.SUCCEEDED

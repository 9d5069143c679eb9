"""What GMI Cloud says to one process holds for all: pauses, and that it takes no requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bot.gmi.client import GmiError, SubmitOutcome
from bot.gmi.rate import Traffic
from bot.models.states import Reason, State
from bot.storage.processes.hints import HintListener
from bot.storage.storage import StorageUnavailable
from fakes import postgres
from fakes.clock import until
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from tests.unit.jobs.processes.pair import OTHER, Process, job_elsewhere, open_process
from tests.unit.jobs.stage import JOB, START

LATER = 600.0  # seconds


def rate_limit(seconds: float | None) -> GmiError:
    return GmiError(
        SubmitOutcome.NOT_SENT, Reason.RATE, "status 429", retry_after=seconds, is_rate_limit=True
    )


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def url() -> str:
    server = postgres.shared()
    return server.url(await server.create())


@pytest.fixture
async def both(url: str, cloud: GmiCloud, stack: AsyncExitStack) -> list[Process]:
    return [await stack.enter_async_context(open_process(url, cloud, number)) for number in (0, OTHER)]


@pytest.mark.parametrize("hints", [True, False])
async def test_a_pause_is_kept_by_all_and_a_longer_one_stays(
    hints: bool, url: str, cloud: GmiCloud, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hear_nothing(self: HintListener) -> None:
        await asyncio.Event().wait()

    if not hints:
        monkeypatch.setattr(HintListener, "run", hear_nothing)
    first, second = [
        await stack.enter_async_context(open_process(url, cloud, number)) for number in (0, OTHER)
    ]
    first.rate.met(Traffic.SUBMITS, rate_limit(None))  # names no pause
    first.rate.met(Traffic.SUBMITS, rate_limit(LATER))
    await until(lambda: second.rate.pause_left(Traffic.SUBMITS) > LATER - 60, "the pause is known")
    second.rate.met(Traffic.SUBMITS, rate_limit(5))
    second.rate.met(Traffic.QUESTIONS, rate_limit(LATER))
    await until(lambda: first.rate.pause_left(Traffic.QUESTIONS) > 0, "the other pause is known")
    assert first.rate.pause_left(Traffic.SUBMITS) > LATER - 120
    third = await stack.enter_async_context(open_process(url, cloud, 0))  # as after a restart
    await until(lambda: third.rate.pause_left(Traffic.SUBMITS) > LATER - 120, "it knows what holds")


async def test_a_job_of_another_process_waits_for_the_pause_and_its_card_says_so(
    url: str, cloud: GmiCloud, stack: AsyncExitStack
) -> None:
    first = await stack.enter_async_context(open_process(url, cloud, 0))
    first.rate.met(Traffic.SUBMITS, rate_limit(LATER))
    async with asyncio.timeout(10):
        while not await first.storage.announcements.current():
            pass
    await first.storage.jobs.add(job_elsewhere(JOB, waiting_until=START))
    second = await stack.enter_async_context(open_process(url, cloud, OTHER, resume=False))
    await until(lambda: second.rate.pause_left(Traffic.SUBMITS) > 0, "the pause is known")
    second.jobs.resume()
    await until(lambda: bool(second.delivery.shown), "a card")
    job = await second.stored(JOB)
    assert (job.state, job.reason) == (State.SUBMITTING, Reason.RATE)
    assert job.waiting_until is not None
    assert cloud.requests_seen == []


async def test_a_closed_gate_is_closed_for_all_until_one_finds_it_open(both: list[Process]) -> None:
    gates = [process.jobs.gate for process in both]
    gates[0].close(Reason.CREDIT)
    await until(lambda: gates[1].reason is Reason.CREDIT, "the other gate is closed")
    gates[1].open()
    await until(lambda: gates[0].reason is None, "both are open")


async def test_a_key_that_is_accepted_again_opens_every_gate(both: list[Process], cloud: GmiCloud) -> None:
    cloud.fault("GET", "/models/", script.answer(401, {"error": "Invalid API key"}).repeated(None))
    gates = [process.jobs.gate for process in both]
    gates[0].close(Reason.KEY)
    await until(lambda: gates[1].reason is Reason.KEY, "the other gate is closed")
    assert gates[1].key_doubted.is_set()
    gates[1].open()
    await until(lambda: gates[0].reason is None, "both are open")


async def test_storage_in_trouble_delays_the_news_only(
    both: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    announcements, failures = both[0].storage.announcements, 2
    announce = announcements.announce

    async def fail_twice(*arguments: object, **options: object) -> str:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StorageUnavailable("for this test")
        return await announce(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(announcements, "announce", fail_twice)
    both[0].jobs.gate.close(Reason.CREDIT)
    await until(lambda: both[1].jobs.gate.reason is Reason.CREDIT, "it is announced later")


async def test_news_of_a_later_version_are_left_alone(both: list[Process]) -> None:
    for subject in ("weather", "submit gate", Traffic.SUBMITS):
        await both[0].storage.announcements.announce(subject, "sunny", LATER)
    await until(lambda: both[1].rate.pause_left(Traffic.SUBMITS) > 0, "it goes on")
    assert both[1].jobs.gate.reason is None

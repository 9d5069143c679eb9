"""Places to send from: given in turn, never lost, and counted as in flight."""

from __future__ import annotations

import asyncio

from bot.clock import SystemClock
from bot.jobs.submission.places import Places
from bot.tasks import InFlight
from tests.unit.jobs.stage import QuickClock


async def test_places_are_given_in_turn_and_a_cancelled_wait_takes_none() -> None:
    in_flight = InFlight()
    places, order = Places(SystemClock(), 1, in_flight), []

    async def go(name: str) -> None:
        await places.take()
        order.append(name)

    assert places.take_at_once()
    waiting = {name: asyncio.create_task(go(name)) for name in ("first", "second", "third")}
    await asyncio.sleep(0)
    assert not places.take_at_once()
    waiting["first"].cancel()
    await asyncio.sleep(0)
    places.leave()
    waiting["second"].cancel()  # at the moment of its turn
    await asyncio.gather(*waiting.values(), return_exceptions=True)
    assert order == ["third"]
    assert not places.take_at_once()
    places.leave()
    assert places.take_at_once()


async def test_so_many_places_are_free_and_a_stop_waits_for_those_that_are_taken() -> None:
    in_flight = InFlight()
    places = Places(SystemClock(), 2, in_flight)
    assert [places.take_at_once() for _ in range(3)] == [True, True, False]
    stopping = asyncio.create_task(in_flight.wait_idle(SystemClock(), 60.0))
    places.leave()
    await asyncio.sleep(0)
    assert not stopping.done()
    places.leave()
    await stopping
    assert [places.take_at_once() for _ in range(3)] == [True, True, False]


async def test_a_place_that_changes_hands_stays_in_flight() -> None:
    in_flight = InFlight()
    places = Places(SystemClock(), 1, in_flight)
    assert places.take_at_once()
    next_in_turn = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    places.leave()
    await next_in_turn
    stopping = asyncio.create_task(in_flight.wait_idle(SystemClock(), 60.0))
    await asyncio.sleep(0)
    assert not stopping.done()
    places.leave()
    await stopping


async def test_a_stop_waits_no_longer_than_it_is_allowed_to() -> None:
    in_flight, clock = InFlight(), QuickClock()
    await in_flight.wait_idle(clock, 5.0)
    assert clock.waits == []
    with in_flight:
        await in_flight.wait_idle(clock, 5.0)
    assert clock.waits == [5.0]

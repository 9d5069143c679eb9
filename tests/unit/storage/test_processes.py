"""What processes tell each other: rows that somebody reads, and hints over a connection that may break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.storage.columns import to_micros
from bot.storage.database import Database
from bot.storage.processes import hints
from bot.storage.processes.hints import ANYTHING, ASKED, HintListener
from bot.storage.processes.relay import RelayedAction
from bot.storage.schema import relayed_actions
from bot.storage.storage import Storage, TimeLimits
from fakes import postgres
from fakes.clock import until
from fakes.postgres import Proxy
from tests.unit.storage.samples import START

ACTION = RelayedAction("a" * 32, 5, 1, "cancel", {"user_id": 7})


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def open_storage(stack: AsyncExitStack, url: str) -> Storage:
    storage = await Storage.open(url, TimeLimits(interactive=20))
    stack.push_async_callback(storage.close)
    return storage


async def test_an_action_is_there_until_it_is_answered_read_or_too_old(stack: AsyncExitStack) -> None:
    server = postgres.shared()
    database = await server.create()
    relay = (await open_storage(stack, server.url(database))).relay
    await relay.ask(ACTION, 60)
    assert await relay.asked() == [ACTION]
    assert "user_id" not in repr(ACTION)
    assert await relay.answer_to(ACTION.id) is None
    await relay.answer(ACTION.id, "yes")
    assert await relay.asked() == []
    assert await relay.answer_to(ACTION.id) == "yes"
    assert await relay.remove_old() == 0
    await server.execute("UPDATE relayed_actions SET until = 1", database=database)
    assert await relay.remove_old() == 1
    assert await relay.answer_to(ACTION.id) is None


async def test_what_nobody_read_is_erased_also_where_no_work_is_shared_any_more(storage: Storage) -> None:
    retention, now = storage.retention, START
    row = {"id": "x", "job_id": 1, "shard": 1, "action": "show", "content": {"token": "fake"}}
    async with storage.database.transaction() as connection:
        await connection.execute(relayed_actions.insert().values(**row, until=to_micros(now)))
    assert await retention.erase_small(now) == 0
    assert await retention.erase_small(now + timedelta(hours=2)) == 1


async def test_the_latest_announcement_holds_and_the_longer_pause_where_that_is_wanted(
    stack: AsyncExitStack,
) -> None:
    server = postgres.shared()
    announcements = (await open_storage(stack, server.url(await server.create()))).announcements
    first = await announcements.announce("gate", "key", 60)
    second = await announcements.announce("gate", "open", 30)
    [current] = await announcements.current()
    assert (current.value, current.serial) == ("open", second)
    assert first != second
    assert 0 < current.seconds <= 30
    await announcements.announce("gate", "key", 10, keep_longer=True)
    assert [announced.serial for announced in await announcements.current()] == [second]
    await announcements.announce("gate", "key", -1)
    assert await announcements.current() == []


async def test_hints_are_heard_again_after_a_cut_and_after_a_host_that_vanished(
    stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "PROBE_EVERY", 0.2)
    monkeypatch.setattr(hints, "ANSWERS_WITHIN", 1.0)
    monkeypatch.setattr(hints, "PAUSE_FIRST", 0.1)
    server = postgres.shared()
    name = await server.create()
    proxy = await stack.enter_async_context(Proxy(server.port))
    storage = await open_storage(stack, server.url(name))
    database = await Database.open(server.url(name, port=proxy.port), TimeLimits(), upgrade=False)
    stack.push_async_callback(database.close)
    heard: list[str] = []
    listening = asyncio.create_task(HintListener(database, SystemClock(), heard.append).run())

    async def comes_through() -> None:
        await until(lambda: ANYTHING in heard, "a connection", 20)
        heard.clear()
        await storage.relay.ask(RelayedAction(str(len(seen)), 5, 1, "cancel", {}), 60)
        seen.append(1)
        await until(lambda: heard == [ASKED], "the hint")
        heard.clear()

    seen: list[int] = []
    await comes_through()
    proxy.cut()
    await comes_through()
    proxy.freeze()
    await asyncio.sleep(1.5)  # longer than it may take to answer
    proxy.thaw()
    await comes_through()
    listening.cancel()
    await asyncio.wait({listening})

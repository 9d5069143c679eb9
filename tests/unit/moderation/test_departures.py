"""Which servers the bot has left: only the process that serves a server can know that."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.models.quotas import Rule, Scope
from bot.models.shards import share_of
from bot.moderation.departures import Departures
from bot.storage.storage import Storage
from bot.tasks import Tasks
from tests.unit.storage.samples import FixedClock

SERVERS = [number << 22 | 10 for number in range(4)]


@pytest.mark.parametrize("slot", [0, 1])
async def test_a_process_notes_departures_from_its_own_servers(storage: Storage, slot: int) -> None:
    clock = FixedClock()
    tasks = Tasks(clock)
    for guild_id in SERVERS:
        await storage.quotas.save_rule(guild_id, Scope.SERVER, None, Rule(1, None))
    ended: list[int] = []

    async def end_shares(guild_id: int) -> None:
        ended.append(guild_id)

    departures = Departures(storage, clock, tasks, end_shares, share_of(slot, 2, 2))
    departures.compare({SERVERS[slot]})
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "compare the servers"))
    gone = await storage.servers.left_before(clock.now() + timedelta(seconds=1))
    assert gone == ended == [SERVERS[slot + 2]]

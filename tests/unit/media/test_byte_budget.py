"""Bytes that many share: lent in the order of asking, and never lost."""

from __future__ import annotations

import asyncio

from bot.media.byte_budget import ByteBudget
from fakes.clock import until


async def test_bytes_are_lent_in_the_order_of_asking() -> None:
    budget, order, leave = ByteBudget(100), list[str](), asyncio.Event()

    async def hold(name: str, amount: int) -> None:
        async with budget.lend(amount):
            order.append(name)
            await leave.wait()

    tasks = [
        asyncio.create_task(hold(name, amount))
        for name, amount in (("a", 60), ("more than all", 500), ("small", 10))
    ]
    await asyncio.sleep(0)
    assert order == ["a"]  # the small one does not overtake for ever
    assert not budget.try_take(1)
    tasks[1].cancel()
    await asyncio.wait({tasks[1]})
    await until(lambda: order == ["a", "small"], "the turn of the small one")
    leave.set()
    await asyncio.gather(tasks[0], tasks[2])
    assert budget.lent == 0


async def test_bytes_that_arrive_at_the_moment_of_a_cancellation_are_not_lost() -> None:
    budget = ByteBudget(10)

    async def hold() -> None:
        async with budget.lend(10):
            pass

    for first_served in (True, False):
        assert budget.try_take(10)
        waiting = asyncio.create_task(hold())
        await asyncio.sleep(0)
        if first_served:
            budget.give_back(10)
            waiting.cancel()
        else:
            waiting.cancel()
            budget.give_back(10)
        await asyncio.wait({waiting})
        assert waiting.cancelled()
        assert budget.lent == 0

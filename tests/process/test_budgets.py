"""What everybody may spend together, over the wire: a burst, a restart, and the operator's log."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fakes.clock import until
from fakes.discord.model import Slash
from fakes.process import Wire, open_wire

ROOM_FOR_FOUR = 20  # seconds of video, at 5 seconds each
REFUSED = "This bot's limit for everyone is used up: 20 of 20 seconds of video per day"


async def burst(wire: Wire, seeds: range) -> list[Slash]:
    return await asyncio.gather(*(wire.ask(seed) for seed in seeds))


def refusals(slashes: list[Slash]) -> list[str]:
    read = ["\n".join([slash.text, *(message.text for message in slash.followups)]) for slash in slashes]
    return [text for text in read if REFUSED in text]


async def test_a_burst_of_fifty_stays_within_the_ceiling_also_after_a_restart(tmp_path: Path) -> None:
    async with open_wire(tmp_path, BUDGET_SECONDS=str(ROOM_FOR_FOUR)) as wire:
        first = await burst(wire, range(1, 51))
        await until(lambda: len(refusals(first)) == 46, lambda: f"46 refusals, not {len(refusals(first))}")
        await until(lambda: len(wire.cloud.requests) == 4, "four requests at GMI Cloud")
        assert all(
            "There's room again <t:" in text and "Nothing was sent" in text for text in refusals(first)
        )

        await wire.restart()
        second = await burst(wire, range(51, 101))
        await until(lambda: len(refusals(second)) == 50, lambda: f"50 refusals, not {len(refusals(second))}")
        for row in wire.jobs():
            await wire.posted(row.seed)

        assert len(wire.cloud.requests) == 4
        assert "At most, everyone together: 20 seconds of video per day" in wire.process.logs
        # Told once in the period, however many were refused, and not again after the restart.
        assert wire.process.logs.count("This bot's limit for everyone is used up: 20 of 20") == 1

"""A click in one server on a video of another: the process that makes it acts, and the member hears it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.clock import until
from fakes.discord.model import Message, Slash
from fakes.fleet import Fleet, open_fleet
from fakes.gmi.script import Outcome

LONG = Outcome(delay=3600)  # seconds in line


async def listed(fleet: Fleet, server: int) -> Message:
    """Return the list of a member's videos, opened in one of the servers."""
    answer = await fleet.wire.discord.slash(command="videos", server=server)
    await until(lambda: "Your videos" in answer.text, fleet.logs)
    assert answer.original is not None
    return answer.original


async def press(fleet: Fleet, message: Message, action: str, asked: Slash) -> Slash:
    """Press a button of a video, on a card or in a list."""
    custom_id = f"vidu:{action}:{asked.id}"
    if custom_id not in str(message.components):  # a list shows some, a card others
        row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "?", "custom_id": custom_id}]}
        message.components = [*message.components, row]
    return await fleet.wire.discord.press(message, custom_id)


def told(answer: Slash) -> str:
    """Return what a member read, in the answer itself or after it."""
    return "\n".join([answer.text, *(message.text for message in answer.followups)])


@pytest.mark.long
async def test_a_click_elsewhere_reaches_the_process_of_the_video(tmp_path: Path) -> None:
    async with open_fleet(tmp_path, 2, servers=2, speed=4.0, SHARD_COUNT="2") as fleet:
        await fleet.start("a", "b")
        await fleet.connected()
        fleet.wire.cloud.outcome(LONG)
        asked = await fleet.ask(1, server=1)
        await until(lambda: fleet.wire.submissions(1) == 1, fleet.logs, 30)
        await until(lambda: fleet.wire.state(1) == "queued", fleet.logs, 30)

        clicked = await press(fleet, await listed(fleet, 0), "cancel", asked)
        await until(lambda: "Canceled" in clicked.text, lambda: clicked.text + fleet.logs(), 30)

        assert fleet.wire.state(1) == "cancelled"
        await until(lambda: asked.original is not None and "canceled" in asked.original.text, fleet.logs, 30)
        assert "Traceback" not in fleet.logs()


@pytest.mark.long
async def test_a_click_meets_a_process_that_is_gone_and_its_successor_acts(tmp_path: Path) -> None:
    async with open_fleet(tmp_path, 2, servers=2, speed=4.0, SHARD_COUNT="2") as fleet:
        await fleet.start("a", "b")
        await fleet.connected()
        fleet.wire.cloud.outcome(LONG)
        asked = await fleet.ask(1, server=1)
        await until(lambda: fleet.wire.state(1) == "queued", fleet.logs, 30)
        await fleet.members[fleet.holder(1)].kill()

        clicked = await press(fleet, await listed(fleet, 0), "cancel", asked)
        await until(lambda: "or not at all" in told(clicked), lambda: told(clicked) + fleet.logs(), 30)
        assert "has not answered yet" in fleet.members[fleet.holder(0)].log
        assert fleet.wire.state(1) == "queued"

        await fleet.start("c")
        await until(lambda: fleet.wire.state(1) == "cancelled", fleet.logs, 60)
        assert "Traceback" not in fleet.logs()

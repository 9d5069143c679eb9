"""Discord waits 3 s for the first answer, however slow the disk and Discord's own files are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bot.delivery.sender import Delivery
from bot.storage.drafts import DraftStore
from bot.storage.jobs import JobStore
from bot.storage.replies import PendingReplyStore
from bot.storage.storage import TimeLimits
from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.world import World
from tests.acceptance.member import ask, fields, press, private_answer, submit, until

READY = "✅ Your video is ready"
DUE = 3.0  # seconds [Discord]


def slowed(method: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """Return a method that takes so many seconds longer."""

    async def slow(*given: Any, **named: Any) -> Any:
        await asyncio.sleep(seconds)
        return await method(*given, **named)

    return slow


@pytest.fixture
def slow(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make the disk as slow as it may be, and Discord's files slower."""

    async def never_ends(*_: Any) -> None:
        await world.clock.wait(asyncio.Event(), None)

    def start() -> None:
        slow_methods = (
            (JobStore, "get"),
            (DraftStore, "get"),
            (DraftStore, "save"),
            (PendingReplyStore, "add"),
        )
        for store, name in slow_methods:
            monkeypatch.setattr(store, name, slowed(getattr(store, name), TimeLimits().interactive))
        monkeypatch.setattr(Delivery, "references", slowed(Delivery.references, 1.4))
        monkeypatch.setattr("fakes.world.SimulatedCdn.read", never_ends)

    return start


async def just_before_it_is_due(world: World) -> None:
    await world.env.advance_time(DUE - 0.1)


async def test_again_from_the_list_is_answered_in_time(
    world: World, cloud: GmiCloud, slow: Callable[[], None]
) -> None:
    cloud.outcome(script.failed("TaskTimeout"))
    await until(world, await ask(world), "❌ Couldn't make the video")
    listed = await world.member.slash(world.channel, "videos")
    slow()

    pressed = await press(world.member, listed, "Again")
    await just_before_it_is_due(world)

    assert fields(pressed)["prompt"]["value"] == "a fox in the snow"


async def test_edit_on_a_copy_without_files_is_answered_in_time(
    world: World, slow: Callable[[], None]
) -> None:
    await until(world, await ask(world), READY)
    listed = await world.member.slash(world.channel, "videos")
    copy = await press(world.member, listed, "Show")
    slow()

    pressed = await press(world.member, copy, "Edit")
    await just_before_it_is_due(world)

    assert fields(pressed)["prompt"]["value"] == "a fox in the snow"


async def test_a_refused_form_is_answered_in_time(
    world: World, cloud: GmiCloud, slow: Callable[[], None]
) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("fox.png", b"any bytes at all"))
    slow()

    refused = await submit(world.member, opened, prompt="a fox", seed="no number")
    await just_before_it_is_due(world)

    assert "The seed" in private_answer(refused)
    assert cloud.paid == 0

"""The first card that a member ever gets says where the video will be, and where there is more to read."""

from __future__ import annotations

import pytest
from simcord import InteractionResult

from fakes.gmi import script
from fakes.gmi.cloud import GmiCloud
from fakes.media import picture
from fakes.world import World
from tests.acceptance.member import ask, card_text, press, until

WELCOME = "-# 👋 Your first video will appear right here in this message. `/help` explains more."
READY = "✅ Your video is ready"


async def ask_as_other(world: World) -> InteractionResult:
    asked: InteractionResult = await world.other.slash(
        world.channel, "vidu", prompt="a boat", image1=("boat.png", picture())
    )
    return asked


@pytest.mark.parametrize("restart", [False, True])
async def test_it_stands_on_the_first_card_until_the_video_is_there(
    restart: bool, world: World, cloud: GmiCloud
) -> None:
    cloud.outcome(script.Outcome(delay=60))
    asked = await ask(world)
    assert WELCOME in card_text(asked)
    if restart:
        await world.restart()
    assert WELCOME in await until(world, asked, "🎬 Rendering")
    assert WELCOME not in await until(world, asked, READY)


@pytest.mark.parametrize("restart", [False, True])
async def test_no_later_card_of_that_member_has_it(restart: bool, world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.Outcome(delay=600))
    first = await ask(world)
    cloud.outcome(script.Outcome(delay=60))
    second = await ask(world)
    if restart:
        await world.restart()
    assert WELCOME not in await until(world, second, "🎬 Rendering")
    assert WELCOME in card_text(first)
    assert WELCOME in card_text(await ask_as_other(world))


async def test_a_first_request_that_came_to_nothing_was_the_first(world: World, cloud: GmiCloud) -> None:
    cloud.outcome(script.Outcome(delay=600))
    await press(world.member, await ask(world), "Cancel")
    await world.restart()
    assert WELCOME not in card_text(await ask(world))


async def test_a_request_that_was_refused_before_it_began_does_not_count(world: World) -> None:
    await ask(world, prompt="   ")
    assert WELCOME in card_text(await ask(world))

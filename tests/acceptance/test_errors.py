"""Whatever fails behind a press or a window, the member reads a sentence."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from simcord import InteractionResult

from fakes.world import World
from tests.acceptance.member import ask, card_text, press, private_answer, until

READY = "✅ Your video is ready"
WRONG = "Something went wrong on my side"


async def fails(*_: Any) -> None:
    raise RuntimeError("a fault that nobody expected")


async def pressed_while_failing(world: World, asked: InteractionResult) -> InteractionResult:
    await world.bot.remove_cog("Buttons")
    world.bot.add_listener(fails, "on_card_button")
    return await press(world.member, asked, "Edit")


@pytest.mark.command_errors(types=[RuntimeError])
async def test_a_listener_that_fails_is_answered_once_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await ask(world)
    await until(world, asked, READY)

    answer = await pressed_while_failing(world, asked)

    assert WRONG in private_answer(answer)
    assert READY in card_text(asked)
    assert "The listener on_card_button failed" in caplog.text
    assert "a fault that nobody expected" in caplog.text


@pytest.mark.command_errors(types=[RuntimeError])
async def test_a_failure_after_an_answer_takes_nothing_away(world: World) -> None:
    async def answers_and_fails(interaction: discord.Interaction[Any], *_: Any) -> None:
        await interaction.response.send_message("done", ephemeral=True)
        raise RuntimeError("a fault that nobody expected")

    asked = await ask(world)
    await until(world, asked, READY)
    await world.bot.remove_cog("Buttons")
    world.bot.add_listener(answers_and_fails, "on_card_button")

    answer = await press(world.member, asked, "Edit")

    assert private_answer(answer) == "done"
    assert answer.followups == []


async def test_a_page_that_fails_leaves_the_list_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.moderator.slash(world.channel, "quota set", videos=99)
    for _ in range(6):
        await until(world, await ask(world), READY)
    listed = await world.member.slash(world.channel, "videos")
    monkeypatch.setattr(world.bot.get_cog("Videos"), "_page", fails)

    answer = await press(world.member, listed, "Older")

    assert [WRONG in each.content for each in answer.followups] == [True]
    assert answer.followups[0].ephemeral
    assert "Your videos" in card_text(listed)

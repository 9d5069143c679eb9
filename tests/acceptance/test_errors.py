"""Whatever fails behind a button, a form or a command, the member reads a sentence."""

from __future__ import annotations

import asyncio
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.intake.attachments import AttachmentReader
from bot.jobs.service import JobService
from bot.storage.drafts import DraftStore
from bot.storage.jobs import JobStore
from fakes.gmi.cloud import GmiCloud
from fakes.world import World
from tests.acceptance.member import (
    ask,
    assert_nothing_spent,
    card_text,
    press,
    presses,
    private_answer,
    submit,
    until,
)

READY = "✅ Your video is ready"
WRONG = "Something went wrong on my side"


async def fails(*_: Any, **__: Any) -> None:
    raise RuntimeError("a fault that nobody expected")


async def test_a_button_that_fails_is_answered_once_and_logged(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    monkeypatch.setattr(JobStore, "get", fails)

    answer = await press(world.member, asked, "Edit")

    assert WRONG in private_answer(answer)
    assert READY in card_text(asked)
    assert "The button vidu:edit:" in caplog.text
    assert "a fault that nobody expected" in caplog.text


async def test_a_failure_after_an_acknowledgement_takes_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await ask(world)
    monkeypatch.setattr(JobService, "cancel", fails)

    answer = await press(world.member, asked, "Cancel")

    assert WRONG in private_answer(answer)
    await until(world, asked, READY)


@pytest.mark.command_errors(types=[])
async def test_a_crash_while_a_failure_is_answered_leaves_nobody_waiting(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never_ends(*_: Any, **__: Any) -> None:
        await world.clock.wait(asyncio.Event(), None)

    with monkeypatch.context() as patched:
        patched.setattr(AttachmentReader, "examine", fails)
        patched.setattr(discord.Interaction, "edit_original_response", never_ends)
        asked = await ask(world)
    assert asked.deferred
    await world.restart()

    assert "I restarted before I could send your request" in card_text(asked)
    assert await world.bot.storage.replies.all() == []
    assert_nothing_spent(world, cloud)


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_a_failure_behind_a_placeholder_is_answered_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(AttachmentReader, "examine", fails)

    asked = await ask(world)

    assert WRONG in private_answer(asked)
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
    assert await world.bot.storage.replies.all() == []


async def test_a_form_that_fails_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = await world.member.slash(world.channel, "vidu", image1=("fox.png", b"any bytes at all"))
    monkeypatch.setattr(DraftStore, "get", fails)

    answer = await submit(world.member, opened, prompt="a fox")

    assert WRONG in private_answer(answer)
    assert "The answer to a form failed" in caplog.text


@pytest.mark.command_errors(types=[RuntimeError])
async def test_a_listener_that_fails_is_answered_and_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await ask(world)
    await world.bot.remove_cog("Fallbacks")
    world.bot.add_listener(fails, "on_interaction")

    [answer] = await presses(world, world.member, asked, "something of tomorrow")

    assert WRONG in private_answer(answer)
    assert "The listener on_interaction failed" in caplog.text


@pytest.mark.command_errors(types=[RuntimeError])
async def test_a_listener_that_fails_after_its_answer_takes_nothing_away(world: World) -> None:
    async def answers_and_fails(interaction: Any) -> None:
        await interaction.response.send_message("done", ephemeral=True)
        raise RuntimeError("a fault that nobody expected")

    asked = await ask(world)
    await world.bot.remove_cog("Fallbacks")
    world.bot.add_listener(answers_and_fails, "on_interaction")

    [answer] = await presses(world, world.member, asked, "something of tomorrow")

    assert private_answer(answer) == "done"
    assert answer.followups == []


async def test_a_button_that_nobody_knows_is_answered(world: World) -> None:
    asked = await ask(world)

    [answer] = await presses(world, world.member, asked, "something of tomorrow")

    assert "what this belongs to" in private_answer(answer)


async def test_a_page_that_fails_leaves_the_list_where_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.moderator.slash(world.channel, "quota set", videos=99)
    for _ in range(6):
        await until(world, await ask(world), READY)
    listed = await world.member.slash(world.channel, "videos")
    monkeypatch.setattr(JobStore, "of_user", fails)

    answer = await press(world.member, listed, "Older")

    assert [WRONG in followup.content for followup in answer.followups] == [True]
    assert answer.followups[0].ephemeral
    assert "Your videos" in card_text(listed)


@pytest.mark.settings(quota_running=9)
async def test_nothing_of_a_message_with_buttons_stays_in_memory(world: World) -> None:
    """A view that discord.py keeps for each card would make every open job heavier."""
    asked = await ask(world)
    await world.member.slash(world.channel, "videos")
    private_answer(await ask(world, image1=("a.txt", b"hello there")))
    await until(world, asked, READY)

    assert list(world.bot.persistent_views) == []

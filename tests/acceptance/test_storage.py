"""A database that is locked or slow: nobody waits for it longer than Discord waits for an answer."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from discord import app_commands

from bot.models.jobs import CardLocation, PendingReply
from bot.storage.jobs import JobStore
from bot.storage.storage import StorageUnavailable, TimeLimits
from fakes.gmi.cloud import GmiCloud
from fakes.world import World, texts
from tests.acceptance.member import ask, assert_quota_untouched, card_text, press, private_answer, until
from tests.unit.storage.faults import another_writer

READY = "✅ Your video is ready"
TOLERANCE = 0.7  # seconds for a loaded machine
PROMPT = TimeLimits().interactive


def file_of(world: World) -> Path:
    return Path(world.settings.database_url.get_secret_value().removeprefix("sqlite+aiosqlite:///"))


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_a_member_is_told_within_two_seconds_that_the_disk_is_busy(
    world: World, cloud: GmiCloud
) -> None:
    with another_writer(file_of(world)):
        began = time.monotonic()
        asked = await ask(world)
        assert time.monotonic() - began < PROMPT + 2 * TOLERANCE
        assert "I can't save anything right now" in private_answer(asked)
        assert not asked.deferred  # nobody else saw a placeholder
    assert_quota_untouched(world)
    assert cloud.paid == 0
    assert await world.bot.storage.replies.all() == []


async def test_buttons_and_videos_answer_while_another_writes(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    with another_writer(file_of(world)):
        began = time.monotonic()
        listed = await world.member.slash(world.channel, "videos")
        shown = await press(world.member, listed, "Show")
        assert time.monotonic() - began < PROMPT
        assert READY in card_text(listed)
        assert READY in "\n".join(texts(shown.response or shown.followups[0]))


async def test_a_refusal_comes_although_its_draft_cannot_be_kept(world: World) -> None:
    with another_writer(file_of(world)):
        began = time.monotonic()
        asked = await ask(world, seed=5, image1=("empty.png", b""))
        assert time.monotonic() - began < PROMPT + 2 * TOLERANCE
        assert "is empty" in private_answer(asked)


@pytest.mark.command_errors(types=[app_commands.CommandInvokeError])
async def test_a_job_that_was_not_acknowledged_is_withdrawn_if_it_is_there(
    world: World, cloud: GmiCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit whose answer is lost: the member is told that nothing was sent, so nothing may be left."""
    add = JobStore.add

    async def answer_lost(self: JobStore, job: Any, *budgets: Any) -> bool:
        await add(self, job, *budgets)
        raise StorageUnavailable("ConnectionDoesNotExistError")

    with monkeypatch.context() as patched:
        patched.setattr(JobStore, "add", answer_lost)
        asked = await ask(world)
    await world.env.advance_time(1)

    assert "I can't save anything right now" in private_answer(asked)
    assert await world.bot.storage.jobs.unfinished() == []
    assert await world.bot.storage.jobs.count_of_user(world.member.id) == 0
    assert_quota_untouched(world)
    assert cloud.paid == 0
    await until(world, await ask(world), READY)


async def test_a_request_of_which_a_backup_knows_no_end_is_answered_elsewhere(world: World) -> None:
    asked = await ask(world)
    await until(world, asked, READY)
    unplaced = CardLocation(world.channel.id, world.guild.id)
    await world.bot.storage.replies.add(PendingReply(9, world.member.id, unplaced))

    await world.restart()
    await world.env.settle()

    backend = world.env.backend
    [message] = backend.messages[backend.dm_channels[world.member.id]].values()
    words = "\n".join(texts(message))
    assert "I can't tell what became of your request" in words
    assert "If you didn't get a video, please try again." in words
    assert READY in card_text(asked)  # its video is not written over
    assert await world.bot.storage.replies.all() == []

"""A database that is locked or slow: nobody waits for it longer than Discord waits for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from discord import app_commands

from bot.models.drafts import Draft
from bot.models.jobs import CardLocation, PendingReply, State
from bot.models.quotas import Rule, Scope
from bot.storage.jobs import JobStore
from bot.storage.schema import jobs
from bot.storage.storage import Storage, StorageUnavailable, TimeLimits
from fakes.gmi.cloud import GmiCloud
from fakes.world import World, texts
from tests.acceptance.member import ask, assert_quota_untouched, card_text, press, private_answer, until
from tests.unit.storage.test_storage import GUILD, START, new_job

READY = "✅ Your video is ready"
TOLERANCE = 0.7  # seconds for a loaded machine
PROMPT = TimeLimits().interactive
PLACEHOLDER = PendingReply(9, 1, CardLocation(3, GUILD))
DRAFT = Draft(5, 1, "a fox")


@contextlib.contextmanager
def another_writer(file: Path) -> Iterator[None]:
    """Hold SQLite's write lock, as a backup or a repair tool does."""
    lock = sqlite3.connect(file, timeout=0)
    lock.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        lock.close()


def file_of(world: World) -> Path:
    return Path(world.settings.database_url.get_secret_value().removeprefix("sqlite+aiosqlite:///"))


async def seconds_of(work: Awaitable[Any]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


@pytest.fixture
async def opened(tmp_path: Path) -> Any:
    storage = await Storage.open(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    await storage.jobs.add(new_job(1))
    yield storage
    await storage.close()


async def test_reading_does_not_wait_for_another_writer(opened: Storage, tmp_path: Path) -> None:
    with another_writer(tmp_path / "ledger.db"):
        assert await seconds_of(opened.jobs.get(1)) < TOLERANCE
        assert await seconds_of(opened.drafts.get(1)) < TOLERANCE
        assert await seconds_of(opened.jobs.of_user(1, limit=5)) < TOLERANCE
        assert await seconds_of(opened.jobs.count_of_user(1)) < TOLERANCE


@pytest.mark.parametrize("what", ["draft", "promise", "rule", "reset"])
async def test_what_is_due_gives_up_after_a_second_and_never_lands(
    what: str, opened: Storage, tmp_path: Path
) -> None:
    work: Callable[[], Awaitable[None]] = {
        "draft": lambda: opened.drafts.save(DRAFT, START),
        "promise": lambda: opened.replies.add(PLACEHOLDER),
        "rule": lambda: opened.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(1, None)),
        "reset": lambda: opened.quotas.save_reset(GUILD, 1, START),
    }[what]
    with another_writer(tmp_path / "ledger.db"):
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            await work()
        assert time.monotonic() - began < PROMPT + TOLERANCE
    # The next writer is not held up, and what was given up does not come after all.
    assert await seconds_of(opened.notes.save("next", "one")) < TOLERANCE
    await opened.replies.remove(8)
    assert await opened.drafts.get(5) is None
    assert await opened.replies.all() == []
    assert await opened.quotas.rules() == []
    assert await opened.quotas.resets() == []


async def test_a_patient_save_outlasts_what_is_due_at_once(opened: Storage, tmp_path: Path) -> None:
    with another_writer(tmp_path / "ledger.db"):
        job = new_job(2)
        inserting = asyncio.create_task(opened.jobs.add(job))
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailable):
            await opened.drafts.save(DRAFT, START)
    assert await inserting
    assert await opened.jobs.get(2) == job


async def test_promises_beside_a_locked_database_do_not_pile_up(opened: Storage, tmp_path: Path) -> None:
    with another_writer(tmp_path / "ledger.db"):
        promises = [
            opened.replies.add(PendingReply(number, 1, CardLocation(3, GUILD))) for number in range(1000)
        ]
        began = time.monotonic()
        outcomes = await asyncio.gather(*promises, return_exceptions=True)
        assert time.monotonic() - began < PROMPT + TOLERANCE
        assert all(isinstance(outcome, StorageUnavailable) for outcome in outcomes)
    await opened.replies.add(PLACEHOLDER)
    assert await opened.replies.all() == [PLACEHOLDER]


async def test_closing_beside_a_locked_database_takes_no_time(opened: Storage, tmp_path: Path) -> None:
    with another_writer(tmp_path / "ledger.db"):
        saving = asyncio.create_task(opened.jobs.add(new_job(2)))
        await asyncio.sleep(0)
        assert await seconds_of(opened.close()) < 3
        saving.cancel()


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

    async def answer_lost(self: JobStore, job: Any) -> bool:
        await add(self, job)
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


async def test_a_withdrawal_takes_no_job_that_has_begun(opened: Storage) -> None:
    job = new_job(2)
    await opened.jobs.add(job)
    async with opened.database.transaction() as connection:
        await connection.execute(jobs.update().where(jobs.c.id == 2).values(state=State.QUEUED.value))
    await opened.jobs.remove_unsent(job)
    assert await opened.jobs.get(2) is not None

"""The database: nobody waits for it longer than they can, and its errors say what helps."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bot.models.drafts import Draft
from bot.models.jobs import CardLocation, PendingReply
from bot.models.quotas import Rule, Scope
from bot.storage.errors import StorageConflict
from bot.storage.schema import metadata, notes
from bot.storage.storage import Storage, StorageFault, StorageUnavailable, TimeLimits
from tests.unit.storage.faults import another_writer, full_disk
from tests.unit.storage.samples import GUILD, START, new_job

LIMITS = TimeLimits(interactive=0.3, new_job=1, background=1, close=0.1)
TOLERANCE = 2.0  # seconds for a loaded machine; SQLite itself would wait for five
REPLY = PendingReply(9, 1, CardLocation(3, GUILD))
DRAFT = Draft(5, 1, "a fox")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "vidu.db"


@pytest.fixture
async def hurried(file: Path) -> AsyncIterator[Storage]:
    """Open a database in a file, for callers with little time."""
    storage = await Storage.open(f"sqlite+aiosqlite:///{file}", LIMITS)
    await storage.jobs.add(new_job(1))
    yield storage
    await storage.close()


async def seconds_of(work: Awaitable[Any]) -> float:
    began = time.monotonic()
    await work
    return time.monotonic() - began


async def test_the_migrations_lead_to_the_tables_of_the_code(storage: Storage) -> None:
    def differences(connection: sa.Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    async with storage.database.transaction(reads=True) as connection:
        assert await connection.run_sync(differences) == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_is_saved_is_on_disk_at_once(storage: Storage) -> None:
    async with storage.database.transaction() as connection:
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2


async def test_a_transaction_in_which_something_fails_leaves_nothing(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.database.transaction() as connection:
            await connection.execute(notes.insert().values(name="a name", value="a value"))
            await connection.exec_driver_sql("SELECT nothing FROM nowhere")

    with pytest.raises(StorageFault):
        await fail()
    assert await storage.notes.get("a name") is None


async def test_of_several_statements_all_are_written_or_none(storage: Storage) -> None:
    note = notes.insert().values(name="a name", value="a value")
    with pytest.raises(StorageConflict):
        await storage.database.write(1, note, note)
    assert await storage.notes.get("a name") is None
    assert await storage.database.write(1, note, notes.delete().where(notes.c.name == "another")) == 1
    assert await storage.notes.get("a name") == "a value"


@pytest.mark.parametrize(
    ("statement", "raised"),
    [
        ("INSERT INTO notes VALUES ('secret-word', 'again')", StorageConflict),
        ("INSERT INTO notes VALUES ('another', NULL)", StorageConflict),
        ("SELECT secret_word FROM notes", StorageFault),
        ("this is no SQL with a secret-word", StorageFault),
    ],
)
async def test_what_would_fail_again_is_a_fault_and_holds_no_value(
    statement: str, raised: type[Exception], storage: Storage
) -> None:
    await storage.notes.save("secret-word", "secret-word")
    with pytest.raises(raised) as caught:
        await storage.database.write(1, sa.text(statement))
    assert type(caught.value) is raised
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_value_that_no_driver_takes_is_a_fault(storage: Storage) -> None:
    with pytest.raises(StorageFault):
        await storage.database.write(
            1, sa.text("INSERT INTO notes VALUES ('x', :value)").bindparams(value=object())
        )


async def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    file = tmp_path / "new" / "folder" / "vidu.db"
    await (await Storage.open(f"sqlite+aiosqlite:///{file}")).close()
    assert file.exists()


async def test_a_full_disk_is_no_fault_of_what_was_asked(storage: Storage) -> None:
    with full_disk(), pytest.raises(StorageUnavailable, match="OSError"):
        await storage.notes.save("a name", "a value")
    assert await storage.notes.get("a name") is None


async def test_reading_does_not_wait_for_another_writer(hurried: Storage, file: Path) -> None:
    with another_writer(file):
        assert await seconds_of(hurried.jobs.get(1)) < TOLERANCE
        assert await seconds_of(hurried.drafts.get(1)) < TOLERANCE
        assert await seconds_of(hurried.jobs.of_user(1, limit=5)) < TOLERANCE
        assert await seconds_of(hurried.jobs.count_of_user(1)) < TOLERANCE


@pytest.mark.parametrize("what", ["draft", "reply", "rule", "no rule", "reset"])
async def test_what_is_due_gives_up_in_time_and_never_arrives(
    what: str, hurried: Storage, file: Path
) -> None:
    work: Callable[[], Awaitable[None]] = {
        "draft": lambda: hurried.drafts.save(DRAFT, START),
        "reply": lambda: hurried.replies.add(REPLY),
        "rule": lambda: hurried.quotas.save_rule(GUILD, Scope.SERVER, None, Rule(1, None)),
        "no rule": lambda: hurried.quotas.remove_rule(GUILD, Scope.MEMBER, 1),
        "reset": lambda: hurried.quotas.save_reset(GUILD, 1, START),
    }[what]
    await hurried.quotas.save_rule(GUILD, Scope.MEMBER, 1, Rule(2, None))
    with another_writer(file):
        began = time.monotonic()
        with pytest.raises(StorageUnavailable, match=r"TimeoutError|OperationalError"):
            await work()
        assert time.monotonic() - began < LIMITS.interactive + TOLERANCE
    # The next writer is not held up, and what was given up does not come after all.
    assert await seconds_of(hurried.notes.save("next", "one")) < TOLERANCE
    await hurried.replies.remove(8)
    assert await hurried.drafts.get(5) is None
    assert await hurried.replies.all() == []
    assert [stored.rule.videos for stored in await hurried.quotas.rules()] == [2]
    assert await hurried.quotas.resets(START - timedelta(days=1)) == []


async def test_who_can_wait_outlasts_what_is_due_at_once(hurried: Storage, file: Path) -> None:
    with another_writer(file):
        adding = asyncio.create_task(hurried.jobs.add(new_job(2)))
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailable):
            await hurried.drafts.save(DRAFT, START)
    assert await adding
    assert await hurried.jobs.get(2) == new_job(2)


async def test_replies_beside_a_locked_database_do_not_pile_up(hurried: Storage, file: Path) -> None:
    with another_writer(file):
        replies = [hurried.replies.add(PendingReply(number, 1, REPLY.location)) for number in range(1000)]
        began = time.monotonic()
        outcomes = await asyncio.gather(*replies, return_exceptions=True)
        assert time.monotonic() - began < LIMITS.interactive + TOLERANCE
        assert {type(outcome) for outcome in outcomes} == {StorageUnavailable}
    while await hurried.replies.all() != [REPLY]:
        with contextlib.suppress(StorageUnavailable):  # a loaded machine may need more than one attempt
            await hurried.replies.add(REPLY)


async def test_closing_beside_a_locked_database_takes_no_time(hurried: Storage, file: Path) -> None:
    with another_writer(file):
        adding = asyncio.create_task(hurried.jobs.add(new_job(2)))
        await asyncio.sleep(0)
        assert await seconds_of(hurried.close()) < 3 * LIMITS.close + TOLERANCE
        adding.cancel()


async def test_closing_lets_arrive_what_is_being_written(url: str) -> None:
    first = await Storage.open(url)
    adding = asyncio.create_task(first.jobs.add(new_job(1)))
    await asyncio.sleep(0)
    await first.close()
    assert await adding
    second = await Storage.open(url)
    assert await second.jobs.get(1) == new_job(1)
    await second.close()


async def test_a_file_that_takes_long_to_check_opens_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    url = f"sqlite+aiosqlite:///{tmp_path / 'vidu.db'}"
    await (await Storage.open(url)).close()
    monkeypatch.setattr("bot.storage.engine.CHECK_SECONDS", -1.0)
    monkeypatch.setattr("bot.storage.engine.CHECK_STEPS", 1)

    storage = await Storage.open(url)

    assert "The database is large: `python -m bot verify` checks all of it" in caplog.text
    await storage.notes.save("a name", "a value")
    assert await storage.notes.get("a name") == "a value"
    await storage.close()

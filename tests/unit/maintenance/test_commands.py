"""Backup, restore and verify, as an operator types them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.command_line import main
from bot.models.jobs import CardLocation, Charge, PendingReply, without_card, without_content
from bot.models.states import Reason, State
from bot.storage.file_lock import FileLock
from bot.storage.storage import Storage
from tests.unit.storage.samples import START, new_job

T = TypeVar("T")
PASSWORD = "fake-password"
SERVER = f"postgresql+asyncpg://vidu:{PASSWORD}@db.example.invalid:5433/videos"


class Operator:
    """Types commands beside a database, and reads what they answer."""

    def __init__(self, database: Path, read: Callable[[], str]) -> None:
        self.database = database
        self.backup = database.with_name("backup.db")
        self._read = read

    def types(self, *words: object) -> tuple[int, str]:
        code = main([str(word) for word in words])
        return code, self._read()

    def on(self, path: Path, work: Callable[[Storage], Coroutine[Any, Any, T]]) -> T:
        async def opened() -> T:
            storage = await Storage.open(f"sqlite+aiosqlite:///{path}")
            try:
                return await work(storage)
            finally:
                await storage.close()

        return asyncio.run(opened())

    def write(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)

    def files(self) -> set[str]:
        return {path.name for path in self.database.parent.iterdir()} - {"vidu.db.lock"}


async def fill(storage: Storage) -> None:
    """Have a delivered job, one that waits to be sent, and one whose POST is on its way."""
    await storage.jobs.add(
        replace(new_job(1), state=State.DELIVERED, charge=Charge.SETTLED, acknowledged=True)
    )
    await storage.jobs.add(replace(new_job(2), waiting_until=START + timedelta(hours=1), reason=Reason.RATE))
    await storage.jobs.add(new_job(3))
    await storage.jobs.add(replace(new_job(4), state=State.PROCESSING, request_id="req-4"))
    await storage.replies.add(PendingReply(9, 1, CardLocation(3, 10, 4, "fake-token", START)))
    await storage.notes.save("commands of 1", "a hash")


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    database = tmp_path / "data" / "vidu.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite+aiosqlite:///{database}")
    found = Operator(database, lambda: "".join(capsys.readouterr()))
    found.on(database, fill)
    return found


def test_a_backup_is_one_private_file_that_can_be_verified(operator: Operator) -> None:
    code, text = operator.types("backup", operator.backup)
    assert (code, f"The backup is in {operator.backup}" in text) == (0, True)
    assert operator.backup.stat().st_mode & 0o777 == 0o600
    before = operator.backup.read_bytes()

    code, text = operator.types("verify", operator.backup)

    assert (code, "Jobs: 4, of these unfinished: 3. Pending replies: 1." in text) == (0, True)
    assert "The database is fine." in text
    assert operator.backup.read_bytes() == before
    assert operator.files() == {"vidu.db", "backup.db"}
    assert operator.types("verify")[0] == 0


def test_a_backup_overwrites_nothing(operator: Operator) -> None:
    operator.backup.write_text("precious")
    code, text = operator.types("backup", operator.backup)
    assert (code, operator.backup.read_text()) == (1, "precious")
    assert "exists already. Nothing was written: choose another name." in text


def test_a_backup_that_fails_leaves_nothing_behind(operator: Operator) -> None:
    code, text = operator.types("backup", operator.database.parent / "nowhere" / "backup.db")
    assert (code, "The backup was not made: No such file or directory" in text) == (1, True)
    operator.database.write_bytes(b"no database" * 1000)
    code, text = operator.types("backup", operator.backup)
    assert (code, f"{operator.database} is not a database." in text) == (1, True)
    operator.database.unlink()
    assert "There is no file" in operator.types("backup", operator.backup)[1]
    assert operator.files() == set()


def test_a_restored_job_that_waited_may_have_been_sent(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    operator.write("UPDATE jobs SET prompt = 'after the backup'")

    code, text = operator.types("restore", operator.backup)

    assert (code, "2 requests may have been sent since the backup" in text) == (0, True)
    jobs = {job.id: job for job in operator.on(operator.database, lambda storage: storage.jobs.unfinished())}
    assert {job.waiting_until for job in jobs.values()} == {None}
    assert (jobs[2].state, jobs[2].reason, jobs[2].revision) == (State.SUBMITTING, None, 1)
    assert (jobs[4].state, jobs[4].request_id, jobs[4].revision) == (State.PROCESSING, "req-4", 0)
    assert "fox" in jobs[2].request.prompt


def test_a_restored_reply_has_no_place_and_other_clients_are_expected(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    assert operator.types("restore", operator.backup)[0] == 0

    async def read(storage: Storage) -> tuple[list[PendingReply], str | None, str | None]:
        note = await storage.notes.get("another client of GMI Cloud was seen")
        return await storage.replies.all(), note, await storage.notes.get("commands of 1")

    replies, note, commands = operator.on(operator.database, read)
    assert [(reply.id, reply.location) for reply in replies] == [(9, CardLocation(3, 10))]
    assert note is not None
    assert commands is None


def test_what_was_deleted_since_stays_deleted(operator: Operator) -> None:
    operator.types("backup", operator.backup)

    async def delete(storage: Storage) -> None:
        job = await storage.jobs.get(1)
        assert job is not None
        gone = replace(without_card(without_content(job, START)), revision=1)
        await storage.jobs.save(gone, previous=0)

    operator.on(operator.database, delete)

    code, text = operator.types("restore", operator.backup)

    assert (code, "Jobs that were deleted since the backup, and stay deleted: 1." in text) == (0, True)
    job = operator.on(operator.database, lambda storage: storage.jobs.get(1))
    assert job is not None
    assert (job.request.prompt, job.request.references, job.deleted_at) == ("", (), START)
    assert operator.on(operator.database, lambda storage: storage.jobs.count_of_user(1)) == 3


def test_it_is_said_that_deletions_are_not_known_where_the_database_is_damaged(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    operator.database.write_bytes(b"damaged " * 1000)
    code, text = operator.types("restore", operator.backup)
    assert (code, "What members deleted since the backup is not known" in text) == (0, True)
    assert operator.types("verify")[0] == 0


def test_the_database_of_before_is_kept_with_what_its_log_held(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    with closing(sqlite3.connect(operator.database)) as left_open:
        left_open.execute("PRAGMA journal_mode=WAL")
        with left_open:
            left_open.execute("UPDATE jobs SET prompt = 'in the log'")

        code, text = operator.types("restore", operator.backup)

    assert code == 0
    (kept,) = operator.database.parent.glob("vidu.db.before-restore-*[0-9]")
    assert str(kept) in text
    with closing(sqlite3.connect(kept)) as connection:
        assert {row[0] for row in connection.execute("SELECT prompt FROM jobs")} == {"in the log"}
    assert operator.on(operator.database, lambda storage: storage.jobs.count_of_user(1)) == 4


def test_nothing_is_restored_beside_a_running_bot(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    before = operator.database.read_bytes()
    running = FileLock(operator.database)
    assert running.acquire()
    code, text = operator.types("restore", operator.backup)
    assert (code, "The bot is running on this database, so nothing was changed." in text) == (1, True)
    assert operator.database.read_bytes() == before
    running.release()
    assert operator.types("restore", operator.backup)[0] == 0


def test_a_database_that_was_lost_is_restored(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    operator.database.unlink()
    code, text = operator.types("restore", operator.backup)
    assert (code, "before" in text) == (0, False)
    assert operator.types("verify")[0] == 0


BAD_FILES = {
    "missing": (None, "There is no file"),
    "not a database": ("not a database " * 500, "is not a database."),
    "another database": ("CREATE TABLE shopping (item)", "is a database, but not one of this bot."),
    "newer": ("UPDATE alembic_version SET version_num = '9999'", "was made by a newer version of this bot."),
    "odd states": ("UPDATE jobs SET state = 'dreaming'", "4 jobs have the state 'dreaming'"),
    "broken jobs": ("UPDATE jobs SET reference_list = '[7]'", "3 of 3 unfinished jobs can't be read"),
    "no quotas": ("DROP TABLE quota_rules", "The tables could not be read"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_what_is_wrong_with_a_backup_is_said_and_changes_nothing(bad: str, operator: Operator) -> None:
    content, sentence = BAD_FILES[bad]
    before = operator.database.read_bytes()
    if bad in {"newer", "odd states", "broken jobs", "no quotas"}:
        operator.types("backup", operator.backup)
    if bad == "not a database":
        operator.backup.write_text(content or "")
    elif content is not None:
        with closing(sqlite3.connect(operator.backup)) as connection, connection:
            connection.execute(content)
    files = operator.files()

    for command in ("verify", "restore"):
        code, text = operator.types(command, operator.backup)
        assert code == 1
        assert sentence in text
        assert "Traceback" not in text
    assert operator.database.read_bytes() == before
    assert operator.files() == files


def test_a_damaged_backup_is_found_out(operator: Operator) -> None:
    operator.types("backup", operator.backup)
    content = bytearray(operator.backup.read_bytes())
    for page in range(4096, len(content) - 4096, 8192):
        content[page : page + 200] = b"\xff" * 200
    operator.backup.write_bytes(content)
    for command in ("verify", "restore"):
        code, text = operator.types(command, operator.backup)
        assert (code, f"{operator.backup} is damaged" in text) == (1, True)


@pytest.mark.parametrize(
    ("command", "tool"), [("backup", "pg_dump --format=custom"), ("restore", "pg_restore")]
)
def test_postgres_has_tools_of_its_own(
    command: str, tool: str, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", SERVER)
    code, text = operator.types(command, operator.backup)
    assert code == 1
    assert tool in text
    assert "-h db.example.invalid -p 5433 -U vidu -d videos" in text
    assert PASSWORD not in text


def test_a_command_that_is_not_understood_ends_with_two(operator: Operator) -> None:
    with pytest.raises(SystemExit) as caught:
        operator.types("backup")
    assert caught.value.code == 2


@pytest.mark.parametrize("url", ["mysql://somewhere", "sqlite+aiosqlite"])
def test_what_is_no_address_is_named(url: str, operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    code, text = operator.types("verify")
    assert (code, "DATABASE_URL must start with" in text) == (1, True)

"""A lock on a file: one process at a time, and free again however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.storage.file_lock import FileLock, database_file

HOLDER = """
import subprocess, sys
from pathlib import Path
from bot.storage.file_lock import FileLock
print(FileLock(Path(sys.argv[1])).acquire(), flush=True)
{more}
sys.stdin.read()
"""
LIVES_ON = (
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
    " stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).pid, flush=True)"
)
ROOT = Path(__file__).parents[3]


def start_holder(path: Path, more: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER.format(more=more), str(path)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "new folder" / "vidu.db"
    first, second = FileLock(database), FileLock(database)
    assert first.acquire()
    assert not second.acquire()
    second.release()  # what it never had
    assert not second.acquire()
    first.release()
    assert second.acquire()
    assert not first.acquire()
    second.release()
    assert not database.exists()


def test_a_killed_process_holds_nothing_even_if_a_program_that_it_started_lives(tmp_path: Path) -> None:
    path = tmp_path / "vidu.db"
    holder = start_holder(path, LIVES_ON)
    assert holder.stdin
    assert holder.stdout
    assert holder.stdout.readline() == "True\n"
    started = int(holder.stdout.readline())
    lock = FileLock(path)
    try:
        assert not lock.acquire()
        holder.kill()
        holder.wait()
        assert lock.acquire()
    finally:
        os.kill(started, signal.SIGKILL)
        lock.release()
        holder.stdin.close()
        holder.stdout.close()


def test_the_same_file_by_another_name_has_the_same_lock(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "vidu.db")
    first, second = FileLock(tmp_path / "vidu.db"), FileLock(tmp_path / "link.db")
    assert first.acquire()
    assert not second.acquire()
    first.release()


def test_where_no_file_can_be_made_it_is_an_error_and_not_a_lock_of_others(tmp_path: Path) -> None:
    (tmp_path / "vidu.db.lock").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        FileLock(tmp_path / "vidu.db").acquire()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite+aiosqlite:///data/vidu.db", Path("data/vidu.db")),
        ("sqlite+aiosqlite:////app/data/vidu.db", Path("/app/data/vidu.db")),
        ("sqlite+aiosqlite:///:memory:", None),
        ("sqlite+aiosqlite://", None),
        ("postgresql+asyncpg://vidu@db.example.invalid/vidu", None),
    ],
)
def test_which_file_an_address_means(url: str, path: Path | None) -> None:
    assert database_file(url) == path


def test_what_is_no_address_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"^not the address of a database$"):
        database_file("fake-password")

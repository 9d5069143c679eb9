"""The lock beside a database: one holder at a time, also when a process is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.storage.file_lock import FileLock, database_file

HOLD = """
import sys, time
from pathlib import Path
from bot.storage.file_lock import FileLock
assert FileLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_only_one_holds_it_until_it_is_released(tmp_path: Path) -> None:
    database = tmp_path / "new folder" / "vidu.db"
    first, second = FileLock(database), FileLock(database)
    assert first.acquire()
    assert not second.acquire()
    second.release()  # what it never had
    assert not second.acquire()
    first.release()
    assert second.acquire()
    second.release()
    assert not database.exists()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    database = tmp_path / "vidu.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        lock = FileLock(database)
        assert not lock.acquire()
        holder.kill()
        holder.wait()
        assert lock.acquire()
    lock.release()


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

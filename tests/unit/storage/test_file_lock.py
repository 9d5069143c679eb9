"""A lock on a file: one process at a time, and free again however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.storage.file_lock import FileLock

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
    first, second = FileLock(tmp_path / "vidu.db.lock"), FileLock(tmp_path / "vidu.db.lock")
    assert first.acquire()
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    assert not first.acquire()
    second.release()


def test_a_killed_process_holds_nothing_even_if_a_program_that_it_started_lives(tmp_path: Path) -> None:
    path = tmp_path / "vidu.db.lock"
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


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        FileLock(tmp_path / "nowhere" / "vidu.db.lock").acquire()

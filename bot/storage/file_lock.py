"""A lock on a file that the system itself gives up with the process, however that ends."""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class FileLock:
    """Held by one process of this machine at a time, also across containers that share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock if nobody holds it, and tell whether that is so. Raises OSError."""
        if self._file is not None:
            return True
        # Python opens files so that no program it starts inherits them: such a program would keep the lock.
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if sys.platform != "win32":  # which has no such locks: there nothing is guarded
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(file)
                return False
            except OSError:
                os.close(file)
                raise
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock up; the file stays, because to remove it could let two processes in."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

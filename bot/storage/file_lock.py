"""A lock on the database file of SQLite: whoever holds it is the only process that works on the file."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import sqlalchemy as sa

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_HELD = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}  # by another; anything else is no answer to that


class FileLock:
    """A lock file beside a database. The system lets it go when its process ends, however it ends."""

    def __init__(self, database: Path) -> None:
        database = database.resolve()  # the same file by another name has the same lock
        self.path = database.with_name(f"{database.name}.lock")
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock; return False if another one holds it, in this process or another.

        Raises OSError where files can't be locked there, or none can be made.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Python opens files so that no program it starts inherits them: such a program would keep the lock.
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _HELD:
                return False
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Let the lock go. The file stays: removed, it could be locked twice under one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def database_file(url: str) -> Path | None:
    """Return the file of a database, None where it is no file of SQLite. Raises ValueError for no address."""
    try:
        location = sa.engine.make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError("not the address of a database") from None  # its text holds the address
    if location.get_backend_name() != "sqlite" or location.database in {None, "", ":memory:"}:
        return None
    assert location.database is not None
    return Path(location.database)

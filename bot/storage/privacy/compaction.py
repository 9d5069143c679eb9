"""What was deleted leaves the file as well: SQLite only marks its bytes as free, and keeps them in its log.

Postgres does that by itself: autovacuum takes what is dead, and its log is written over.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.storage.database import Database
from bot.storage.errors import translate

MEBIBYTE = 2**20  # bytes
# A file below this is written anew within about a third of a second [measured on 63 MiB: 0.7 s]: others who
# write wait for a second.
SMALL = 32 * MEBIBYTE
PATIENCE = 500  # milliseconds that it waits for others; our own writers wait meanwhile, and have a second


class Compaction:
    """Remembers whether deleted bytes may still be in the file, and writes it anew without them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        path = database.sqlite_file
        self._file = None if path is None else Path(path)
        self.soon = asyncio.Event()  # somebody asked for something to be gone: do not wait for the hour
        # An earlier process may have stopped right after a deletion.
        self.wanted = self._file is not None

    def note(self) -> None:
        """Note that something was deleted; its bytes go within the hour."""
        self.wanted = self._file is not None

    def request(self) -> None:
        """Note that something was deleted whose bytes are to go right away."""
        self.note()
        if self.wanted:
            self.soon.set()

    def is_small(self) -> bool:
        """Tell whether nobody notices when the file is written anew."""
        return self._file is None or not self._file.exists() or self._file.stat().st_size < SMALL

    async def compact(self) -> bool:
        """Write the file anew and empty its log; tell whether both were done.

        Raises StorageUnavailable where somebody else has the file, or the disk is full.
        """
        if self._file is None:
            return True
        self.wanted = False
        done = False
        try:
            done = await self._database.alone(self._compact)
        finally:
            self.wanted = self.wanted or not done
        return done

    async def _compact(self) -> bool:
        """Do it on a connection of its own, in a thread: VACUUM runs in no transaction."""
        try:
            connection = sqlite3.connect(
                str(self._file), timeout=PATIENCE / 1000, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise translate(error) from None
        folder = str(self._file.parent.absolute()) if self._file else ""
        work = asyncio.get_running_loop().run_in_executor(None, _write_anew, connection, folder)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            with contextlib.suppress(sqlite3.Error):
                connection.interrupt()  # at a stop: the file stays as it was
            await asyncio.gather(work, return_exceptions=True)
            raise
        except sqlite3.Error as error:
            raise translate(error) from None


def _write_anew(connection: sqlite3.Connection, folder: str) -> bool:
    with closing(connection):
        # The copy is made where the file has room: /tmp of the container is memory.
        if connection.execute("PRAGMA temp_store_directory").fetchone() != (folder,):
            quoted = folder.replace("'", "''")
            connection.execute(f"PRAGMA temp_store_directory = '{quoted}'")
        connection.execute("VACUUM")
        # The new pages are in the log so far, and the old ones in the file.
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy

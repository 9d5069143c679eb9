"""What the database of the bot's process holds, read beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.postgres import Reader


@dataclass(frozen=True, slots=True)
class JobRow:
    """What the database holds of a job."""

    id: int
    state: str
    charge: str
    seed: int
    told: bool

    @property
    def settled(self) -> bool:
        """Tell whether the member has heard how it ended."""
        return self.told and self.state in {
            "delivered",
            "failed",
            "cancelled",
            "refused",
            "unconfirmed",
        }


class Rows:
    """Reads a file of SQLite, or a database in Postgres."""

    def __init__(self, file: Path, reader: Reader | None) -> None:
        self._file = file
        self._reader = reader

    def jobs(self) -> list[JobRow]:
        """Return all jobs, oldest first."""
        return [
            JobRow(*row) for row in self._read("SELECT id, state, charge, seed, told FROM jobs ORDER BY id")
        ]

    def pending_replies(self) -> list[int]:
        """Return the interactions whose members still wait for an answer."""
        return [row[0] for row in self._read("SELECT id FROM placeholders")]

    def registered(self) -> bool:
        """Tell whether the bot has noted that its commands are registered."""
        return any(name.startswith("commands of") for (name,) in self._read("SELECT name FROM notes"))

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        if self._reader is not None:
            return self._reader.rows(query)
        if not self._file.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as connection:
                return list(connection.execute(query))
        except sqlite3.OperationalError:  # before its tables are laid out
            return []


@contextmanager
def open_rows(url: str, file: Path) -> Iterator[Rows]:
    """Read the database with this address, which is that file where it is one of SQLite."""
    if not url.startswith("postgresql"):
        yield Rows(file, None)
        return
    with closing(Reader(url)) as reader:
        yield Rows(file, reader)

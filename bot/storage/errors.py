"""What can go wrong with the database, and what its drivers' errors mean."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

# Classes of SQLSTATE that speak of what was asked, not of how the server is: repeated, it would fail again.
# 0A not supported, 21 cardinality, 22 data, 23 integrity, 42 syntax or access.
_FAULTS = ("0A", "21", "22", "23", "42")
_SQLITE_ERROR = 1  # SQLite's code for a statement that makes no sense; a busy or full disk has others

_DAMAGED = "The database file is damaged: restore a backup, or move it away to start with an empty one."
_NEWER = "The database was made by a newer version of this bot: update the bot, or restore a backup."
_FILE = "The database cannot be opened: check DATABASE_URL, and that its folder exists and can be written."
_SERVER = "The database cannot be used: check DATABASE_URL, and what the database server writes in its log."
_AWAY = "The database server cannot be reached: check the host and port in DATABASE_URL, and that it runs."
_REFUSED = "The database server refused the user or its password: check both in DATABASE_URL."
_UNKNOWN = "The database server has no database of that name: create it, or check the name in DATABASE_URL."
_FORBIDDEN = "The database user may not lay out tables: let it create tables in that database."


class StorageUnusable(Exception):  # noqa: N818 - it names what happened
    """The database cannot be used; the text is one plain sentence for the operator."""


class DatabaseIsNewer(Exception):  # noqa: N818 - it names what happened
    """The tables were made by a later version of this bot."""


class StorageUnavailable(Exception):  # noqa: N818 - it names what happened
    """The database did not take or give something just now; the text holds no value of it."""


class LeaseLost(StorageUnavailable):
    """This process may not write any more: its lease has ended, or another process has taken over."""


class StorageFault(Exception):  # noqa: N818 - it names what happened
    """The database cannot take or give this, now or later; the text holds no value of it."""


class StorageConflict(StorageFault):
    """There is a row of that key already."""


class StaleJob(Exception):  # noqa: N818 - it names what happened
    """Somebody else has changed the job since it was read."""


def translate(error: Exception) -> StorageUnavailable | StorageFault:
    """Return what an error of the database means to who asked, without any value in its text."""
    # The text of an SQLAlchemy error holds the values of the statement: prompts and tokens.
    cause = getattr(error, "orig", None) or error
    driver = cause.__cause__ or cause
    state = getattr(driver, "sqlstate", None)
    text = type(driver).__name__ + (f" {state}" if state else "")
    if isinstance(error, sa.exc.IntegrityError):
        return StorageConflict(text)
    invalidated = isinstance(error, DBAPIError) and error.connection_invalidated
    if state is not None:
        fault = state.startswith(_FAULTS)
    elif hasattr(driver, "sqlite_errorcode"):
        fault = driver.sqlite_errorcode == _SQLITE_ERROR
    else:
        # Numbers, letters and types that a driver cannot even send are no errors of the database.
        known = isinstance(error, SQLAlchemyError | OSError) and not isinstance(
            driver, ValueError | TypeError
        )
        fault = not known or isinstance(error, sa.exc.ProgrammingError | sa.exc.DataError)
    return StorageFault(text) if fault and not invalidated else StorageUnavailable(text)


def refusal_to_open(error: Exception, url: str) -> StorageUnusable | StorageUnavailable:
    """Return what it means that a database could not be opened: one that is away may come back."""
    sentence = why_unusable(error, url)
    return StorageUnavailable(sentence) if sentence == _AWAY else StorageUnusable(sentence)


def why_unusable(error: Exception, url: str) -> str:
    """Return one sentence for the operator about a database that could not be opened."""
    if isinstance(error, DatabaseIsNewer):
        return _NEWER
    if url.startswith("sqlite"):
        text = str(getattr(error, "orig", None) or error)
        damaged = re.search(r"not a database|malformed|quick_check|database disk image", text, re.I)
        return _DAMAGED if damaged else _FILE
    cause = getattr(error, "orig", None) or error
    state = str(getattr(cause, "sqlstate", None) or getattr(cause.__cause__, "sqlstate", None) or "")
    if state.startswith("28"):
        return _REFUSED
    if state.startswith("3D"):
        return _UNKNOWN
    if state == "42501":
        return _FORBIDDEN
    away = isinstance(cause, OSError | TimeoutError) or state.startswith(("08", "57"))
    return _AWAY if away else _SERVER

"""How the ledger's database is reached: connections, time limits, and what its errors mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.storage.schema import dump_json, load_json

CONNECT_SECONDS = 5.0  # for a connection to Postgres
STATEMENT_SECONDS = 5.0  # for one statement in Postgres
IDLE_SECONDS = 10.0  # after which Postgres gives up a transaction whose client has vanished, and its locks
CONNECTIONS = 5  # that are kept open; ten more in a burst
MIGRATING = 0x76696475  # the key of the lock that lets one process at a time lay out tables in Postgres

READS = "vidu_reads"  # the execution option of what does not take SQLite's write lock
PATIENCE = "vidu_patience"  # the execution option of how many milliseconds SQLite waits for another writer
_JSON: dict[str, Any] = {"json_serializer": dump_json, "json_deserializer": load_json}

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


class StorageUnavailable(Exception):  # noqa: N818 - it names what happened
    """The database did not take or give something just now; the text holds no value of it."""


class StorageFault(Exception):  # noqa: N818 - it names what happened
    """The database cannot take or give this, now or later; the text holds no value of it."""


class StorageConflict(StorageFault):
    """There is a row of that key already."""


async def open_engine(url: str, *, busy_timeout: int) -> AsyncEngine:
    """Open the database and bring its tables up to date; SQLite waits so many milliseconds for other writers.

    Raises StorageUnusable with a sentence if it is damaged, newer than this bot, or out of reach.
    """
    try:
        location = sa.engine.make_url(url)
        if location.get_backend_name() == "sqlite":
            engine = _sqlite_engine(location, busy_timeout)
            await _migrate(engine, keep=True)
        else:
            # On many rows a migration may take longer than any other statement may.
            await _migrate(_postgres_engine(location, patient=True), keep=False)
            engine = _postgres_engine(location, patient=False)
    except Exception as error:
        # Not chained: the text of these errors can hold the address with its password.
        raise StorageUnusable(_why_unusable(error, url)) from None
    return engine


def translated(error: Exception) -> StorageUnavailable | StorageFault:
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


def _postgres_engine(location: sa.URL, *, patient: bool) -> AsyncEngine:
    """Return connections to a server; the patient kind is used once and waits for each statement's end."""
    settings = {"application_name": "vidu-bot"}
    arguments: dict[str, Any] = {"timeout": CONNECT_SECONDS, "server_settings": settings}
    options: dict[str, Any] = {"poolclass": NullPool}
    if not patient:
        # The server has limits of its own: what vanished halfway must not hold its locks.
        settings["statement_timeout"] = f"{STATEMENT_SECONDS:g}s"
        settings["idle_in_transaction_session_timeout"] = f"{IDLE_SECONDS:g}s"
        arguments["command_timeout"] = STATEMENT_SECONDS
        options = {"pool_pre_ping": True, "pool_size": CONNECTIONS, "pool_timeout": CONNECT_SECONDS}
    return create_async_engine(location, connect_args=arguments, **_JSON, **options)


def _sqlite_engine(location: sa.URL, busy_timeout: int) -> AsyncEngine:
    if location.database and location.database != ":memory:":
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(location, **_JSON)

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and only at the first write: too late.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        patience = min(busy_timeout, options.get(PATIENCE, busy_timeout))
        if connection.info.get(PATIENCE) != patience:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")
            connection.info[PATIENCE] = patience
        # What only reads must not wait for another writer.
        connection.exec_driver_sql("BEGIN" if options.get(READS) else "BEGIN IMMEDIATE")

    return engine


async def _migrate(engine: AsyncEngine, *, keep: bool) -> None:
    done = False
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_check_and_upgrade)
        done = True
    finally:
        if not (done and keep):
            await engine.dispose()


def _check_and_upgrade(connection: sa.Connection) -> None:
    """Refuse a damaged file, and run the migrations that are missing."""
    if connection.dialect.name == "sqlite":
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if verdict != "ok":
            raise sa.exc.DatabaseError("quick_check", None, Exception(str(verdict)))
    else:
        # Two processes that start at once would both find the tables missing.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _why_unusable(error: Exception, url: str) -> str:
    if isinstance(error, CommandError):
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

"""How the database is reached: an engine for SQLite or Postgres, with its tables up to date."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.storage.columns import dump_json, load_json
from bot.storage.errors import refusal_to_open
from bot.storage.schema import create_tables

BUSY_TIMEOUT = 5000  # milliseconds that SQLite waits for another writer, such as a backup
CONNECT_SECONDS = 5.0  # for a connection to Postgres
STATEMENT_SECONDS = 5.0  # for one statement in Postgres
IDLE_SECONDS = 10.0  # after which Postgres gives up a transaction whose client has vanished, and its locks
CHECK_SECONDS = 0.5  # that a start looks for damage in a file of SQLite: a large one takes longer to read
CHECK_STEPS = 1000  # of SQLite's machine from one look at the clock to the next: well under a millisecond
CONNECTIONS = 5  # that are kept open; ten more in a burst
MIGRATING = 0x76696475  # the key of the lock that lets one process at a time lay out tables in Postgres

MIGRATIONS = Path(__file__).with_name("migrations")
REVISION_LENGTH = 4  # of the digits that a migration's file name begins with

log = logging.getLogger(__name__)

READS = "vidu_reads"  # the execution option of what does not take SQLite's write lock
PATIENCE = "vidu_patience"  # the execution option of how many milliseconds SQLite waits for another writer
_REVISION_TABLE = (  # as Alembic makes it
    "CREATE TABLE alembic_version"
    " (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_JSON: dict[str, Any] = {"json_serializer": dump_json, "json_deserializer": load_json}


async def open_engine(url: str, *, upgrade: bool = True) -> AsyncEngine:
    """Open the database and bring its tables up to date, or leave a server's as they are.

    Raises StorageUnusable with a sentence if it is damaged or newer than this bot, and StorageUnavailable
    with one if its server is out of reach.
    """
    try:
        location = sa.engine.make_url(url)
        if location.get_backend_name() == "sqlite":
            engine = _sqlite_engine(location)
            await _migrate(engine, keep=True)
        else:
            # On many rows a migration may take longer than any other statement may.
            if upgrade:
                await _migrate(_postgres_engine(location, patient=True), keep=False)
            engine = _postgres_engine(location, patient=False)
    except Exception as error:
        # Not chained: the text of these errors can hold the address with its password.
        raise refusal_to_open(error, url) from None
    return engine


def reserve(engine: AsyncEngine, url: str) -> AsyncEngine:
    """Return connections that no burst uses up, to the same server; SQLite's are not limited."""
    if engine.dialect.name == "sqlite":
        return engine
    return _postgres_engine(sa.engine.make_url(url), patient=False, connections=1)


def _postgres_engine(location: sa.URL, *, patient: bool, connections: int = CONNECTIONS) -> AsyncEngine:
    """Return connections to a server; the patient kind is used once and waits for each statement's end."""
    settings = {"application_name": "vidu-bot"}
    arguments: dict[str, Any] = {"timeout": CONNECT_SECONDS, "server_settings": settings}
    options: dict[str, Any] = {"poolclass": NullPool}
    if not patient:
        # The server has limits of its own: what vanished halfway must not hold its locks.
        settings["statement_timeout"] = f"{STATEMENT_SECONDS:g}s"
        settings["idle_in_transaction_session_timeout"] = f"{IDLE_SECONDS:g}s"
        arguments["command_timeout"] = STATEMENT_SECONDS
        options = {"pool_pre_ping": True, "pool_size": connections, "pool_timeout": CONNECT_SECONDS}
    return create_async_engine(location, connect_args=arguments, **_JSON, **options)


def _sqlite_engine(location: sa.URL) -> AsyncEngine:
    if location.database and location.database != ":memory:":
        Path(location.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(location, **_JSON)
    busy_timeout = BUSY_TIMEOUT

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        # The driver would begin transactions by itself, and only at the first write: too late.
        connection.isolation_level = None
        # Its own knows the letters of English only.
        connection.create_function("lower", 1, _lower, deterministic=True)
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


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


async def _migrate(engine: AsyncEngine, *, keep: bool) -> None:
    done = False
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_check_and_upgrade)
        done = True
    finally:
        if not (done and keep):
            await engine.dispose()


def _check_file(connection: sa.Connection) -> None:
    """Look for damage, as far as that goes in the time that a start has."""
    until = time.perf_counter() + CHECK_SECONDS
    driver: Any = connection.connection.dbapi_connection
    stopped = False

    def is_over() -> bool:
        nonlocal stopped
        stopped = time.perf_counter() > until
        return stopped

    def watch(handler: Callable[[], bool] | None) -> None:
        driver.run_async(lambda sqlite: sqlite.set_progress_handler(handler, CHECK_STEPS))

    watch(is_over)
    try:
        verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except sa.exc.OperationalError:
        if not stopped:
            raise
        log.info("The database is large: `python -m bot verify` checks all of it")
        verdict = "ok"  # of what was read until then
    finally:
        watch(None)
    if verdict != "ok":
        raise sa.exc.DatabaseError("quick_check", None, Exception(str(verdict)))


def _check_and_upgrade(connection: sa.Connection) -> None:
    """Refuse a damaged file; make the tables of a new database, or run the migrations that are missing."""
    if connection.dialect.name == "sqlite":
        _check_file(connection)
    else:
        # Two processes that start at once would both find the tables missing.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATING})")
    revision = revision_of(connection)
    if revision == newest_revision():
        return
    if revision is None and not sa.inspect(connection).get_table_names():
        _create_tables(connection)
        return
    from bot.storage.upgrade import upgrade  # noqa: PLC0415 - most starts have nothing to migrate

    upgrade(connection, MIGRATIONS)


def _create_tables(connection: sa.Connection) -> None:
    """Make all tables as they are today: all migrations in a row end with the same ones, but take longer."""
    create_tables(connection)
    connection.exec_driver_sql(_REVISION_TABLE)
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{newest_revision()}')")  # noqa: S608 - digits


def newest_revision() -> str:
    """Return the revision of the tables that this version of the bot works with."""
    return max(revisions())


def revisions() -> set[str]:
    """Return every revision that this version of the bot knows."""
    return {path.name[:REVISION_LENGTH] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision of the tables that are there, None for an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()

"""A database of any earlier version opens now, and its jobs go on."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

import bot.storage.migrations
from bot.models.jobs import CardLocation, Charge, PendingReply
from bot.models.states import State
from bot.storage.schema import metadata
from bot.storage.storage import Storage
from tests.unit.storage.samples import START, new_job

DAY = 24 * 3600 * 1_000_000  # microseconds
CREATED = 1_767_225_600_000_000  # microseconds since 1970 of START
COLUMNS = (
    "id, revision, state, since, charge, told, user_id, guild_id, channel_id, message_id, token, "
    "token_expires, private, keeps_references, upload_limit, model, prompt, reference_list, duration, seed, "
    "created_at, "
    "request_id, waiting_until, reason, detail, results"
)
REFERENCE = (
    '[{"kind": "image", "name": "fox.png", "url": "https://cdn.example.invalid/fox.png", '
    '"size": 1000, "width": 320, "height": 240, "seconds": null}]'
)
# Longer than a page of an index, and not to be compressed into one.
LONG_ID = random.Random(4).randbytes(20_000).hex()
ROWS = (
    f"(1, 2, 'processing', {CREATED}, 'held', false, 1, 10, 3, 4, 'fake-token', {CREATED}, false, true, "
    f"1000, 'vidu-q2-pro-r2v', 'a fox', '{REFERENCE}', 5, 7, {CREATED}, 'req-1', NULL, NULL, NULL, '[]')",
    f"(2, 4, 'delivered', {CREATED}, 'settled', true, 1, NULL, 3, 4, NULL, NULL, true, false, NULL, "
    f"'vidu-q2-pro-r2v', 'a cat', '{REFERENCE}', 5, 8, {CREATED}, '{LONG_ID}', NULL, NULL, NULL, "
    "'[\"https://example.invalid/a.mp4\"]')",
)
TABLES = (
    "INSERT INTO quota_rules (guild_id, scope, target_id, videos, seconds, per)"
    " VALUES (10, 'server', 0, 3, NULL, 'day')",
    f"INSERT INTO quota_resets VALUES (10, 1, {CREATED - DAY})",  # noqa: S608 - numbers of this file
    "INSERT INTO notes VALUES ('a name', 'a value')",
)


@dataclass(frozen=True, slots=True)
class Version:
    """How the tables of a version came about: a migration, and what was different afterwards."""

    revision: str
    afterwards: tuple[str, ...] = ()


VERSIONS = {
    "before migrations": Version(
        "0001",
        (
            "DROP TABLE alembic_version",
            "DROP TABLE placeholders",
            "DROP INDEX jobs_by_state",
            "ALTER TABLE jobs DROP COLUMN told",
            "ALTER TABLE jobs DROP COLUMN keeps_references",
            "CREATE INDEX jobs_by_state ON jobs (state)",
        ),
    ),
    "the first 0001": Version("0001", ("DROP TABLE placeholders",)),
    "0001": Version("0001"),
    "0002": Version("0002"),
    "0003": Version("0003", ("UPDATE jobs SET quota_guild_id = guild_id",)),
    "0004": Version("0004", ("UPDATE jobs SET quota_guild_id = guild_id",)),
    "0005": Version("0005", ("UPDATE jobs SET quota_guild_id = guild_id",)),
    "0006": Version("0006", ("UPDATE jobs SET quota_guild_id = guild_id",)),
}


@pytest.fixture(params=VERSIONS)
async def storage(request: pytest.FixtureRequest, empty_url: str) -> AsyncIterator[Storage]:
    """Open a database that an earlier version has left."""
    version = VERSIONS[request.param]

    def lay_out(connection: sa.Connection) -> None:
        migrate(connection, version.revision)
        for row in ROWS:
            connection.exec_driver_sql(f"INSERT INTO jobs ({COLUMNS}) VALUES {row}")  # noqa: S608 - as above
        for statement in (*TABLES, *version.afterwards):
            connection.exec_driver_sql(statement)

    engine = create_async_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(lay_out)
    await engine.dispose()
    opened = await Storage.open(empty_url)
    yield opened
    await opened.close()


async def test_jobs_of_an_earlier_version_go_on(storage: Storage) -> None:
    unfinished = await storage.jobs.unfinished()

    assert [(job.id, job.state, job.request_id) for job in unfinished] == [(1, State.PROCESSING, "req-1")]
    job = unfinished[0]
    assert (job.quota_guild_id, job.charge, job.request.prompt) == (10, Charge.HELD, "a fox")
    assert job.request.references[0].name == "fox.png"
    assert not job.spoiler
    assert not job.location.guest
    assert (job.cancelled_by, job.deleted_at) == (None, None)
    assert [(use.job_id, use.guild_id) for use in await storage.quotas.open_jobs()] == [(1, 10)]
    ended = [use async for page in storage.quotas.ended_jobs(START - timedelta(days=1)) for use in page]
    assert [(use.job_id, use.guild_id) for use in ended] == [(2, None)]
    newest, *_ = await storage.jobs.of_user(1, limit=5)
    assert newest.results == ("https://example.invalid/a.mp4",)
    assert [stored.rule.videos for stored in await storage.quotas.rules()] == [3]
    assert [reset.user_id for reset in await storage.quotas.resets(START - timedelta(days=2))] == [1]
    assert await storage.notes.get("a name") == "a value"


async def test_an_earlier_version_ends_with_the_tables_of_the_code(storage: Storage) -> None:
    def differences(connection: sa.Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    async with storage.database.transaction(reads=True) as connection:
        assert await connection.run_sync(differences) == []
    placeholder = PendingReply(9, 1, CardLocation(3, 10))
    await storage.replies.add(placeholder)
    assert await storage.replies.all() == [placeholder]


async def test_jobs_of_any_age_are_found_by_what_gmi_lists(storage: Storage) -> None:
    newest = replace(new_job(3), request_id=LONG_ID[::-1])
    assert await storage.jobs.add(newest)

    listed = ["req-1", LONG_ID, LONG_ID[::-1], "of another client"]
    assert await storage.jobs.known_requests(listed) == set(listed[:3])
    assert [job.id for job in await storage.jobs.with_seeds([8, 9])] == [2]


async def test_ended_jobs_lose_the_links_of_their_references_and_erased_ones_their_scene(
    empty_url: str,
) -> None:
    use = {"reference_id": 1, "name": "mia", "links": ["https://example.invalid/mia"], "other": 7}
    states = ((1, "processing", False), (2, "delivered", False), (3, "delivered", True))

    def lay_out(connection: sa.Connection) -> None:
        migrate(connection, "0017")
        connection.exec_driver_sql(f"INSERT INTO jobs ({COLUMNS}) VALUES {ROWS[0]}")  # noqa: S608 - as above
        jobs = sa.Table("jobs", sa.MetaData(), autoload_with=connection)
        [first] = connection.execute(jobs.select()).mappings()
        connection.execute(jobs.delete())
        scene = {"continues": 9, "scene": 2, "scene_before": "https://example.invalid/9", "cast_list": [use]}
        for number, state, erased in states:
            values = {**first, **scene, "id": number, "state": state, "erased": erased}
            connection.execute(jobs.insert().values(values))
        migrate(connection, "0018")

    engine = create_async_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(lay_out)
        rows = await connection.execute(sa.text("SELECT scene_before, cast_list FROM jobs ORDER BY id"))
        found = [
            (row[0], json.loads(row[1])[0] if isinstance(row[1], str) else row[1][0]) for row in rows.all()
        ]
    await engine.dispose()

    without = {**use, "links": []}
    before = "https://example.invalid/9"
    assert found == [(before, use), (before, without), (None, without)]


async def test_a_new_database_has_exactly_the_tables_that_all_migrations_make(empty_url: str) -> None:
    await (await Storage.open(empty_url)).close()
    engine = create_async_engine(empty_url)

    def make_anew(connection: sa.Connection) -> object:
        found = description(connection)
        metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        migrate(connection, "head")
        assert found == description(connection)
        return found

    async with engine.begin() as connection:
        assert await connection.run_sync(make_anew)
    await engine.dispose()


def migrate(connection: sa.Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(bot.storage.migrations.__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def description(connection: sa.Connection) -> dict[str, object]:
    """Return all that a database says of its tables, but for the order of their columns."""
    inspector = sa.inspect(connection)
    tables: dict[str, object] = {
        name: (
            {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
            },
            inspector.get_pk_constraint(name)["constrained_columns"],
        )
        for name in inspector.get_table_names()
    }
    source = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if connection.dialect.name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    indexes = {name: " ".join(text.split()) for name, text in connection.exec_driver_sql(source)}
    revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return tables | {"indexes": indexes, "revision": revision}

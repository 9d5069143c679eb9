"""Looks at the database beside a running bot: how old it is, without locking or changing anything."""

from __future__ import annotations

import asyncio
import os
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bot.storage.engine import newest_revision, revision_of, revisions
from bot.storage.errors import StorageUnusable, why_unusable

PATIENCE = 10.0  # seconds for the whole look


class Age(StrEnum):
    """How a database stands beside this version of the bot."""

    CURRENT = "current"
    OLDER = "older"  # the next start upgrades it
    NEWER = "newer"  # this version can't open it
    ABSENT = "absent"  # the first start makes it


async def age_of(url: str) -> Age:
    """Return how old the database is. Raises StorageUnusable with a sentence where it can't be read."""
    location = sa.engine.make_url(url)
    sqlite = location.get_backend_name() == "sqlite"
    if sqlite and not _has_file(location):
        return Age.ABSENT
    if sqlite:
        file = f"file:{quote(location.database or '')}"
        location = location.set(database=file, query={"mode": "ro", "uri": "true"})
    arguments: dict[str, Any] = {} if sqlite else {"timeout": PATIENCE, "command_timeout": PATIENCE}
    engine = create_async_engine(location, poolclass=NullPool, connect_args=arguments)
    try:
        async with asyncio.timeout(PATIENCE), engine.connect() as connection:
            revision = await connection.run_sync(revision_of)
    except Exception as error:
        # Not chained: the text of these errors can hold the address with its password.
        raise StorageUnusable(why_unusable(error, url)) from None
    finally:
        await engine.dispose()
    return _age(revision)


def _has_file(location: sa.URL) -> bool:
    return Path(location.database or "").is_file()


def _age(revision: str | None) -> Age:
    if revision is None:
        return Age.ABSENT
    if revision == newest_revision():
        return Age.CURRENT
    return Age.OLDER if revision in revisions() else Age.NEWER


def can_be_made(url: str) -> bool:
    """Tell whether a new database can be made: an SQLite file needs a folder that can be written."""
    location = sa.engine.make_url(url)
    if location.get_backend_name() != "sqlite" or location.database in {None, "", ":memory:"}:
        return True
    folder = Path(location.database or "").absolute().parent
    while not folder.exists():
        folder = folder.parent  # missing folders are made with the file
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)

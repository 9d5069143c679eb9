"""Brings the tables up to date. Loaded only where a migration is missing: Alembic takes 10 MiB of memory."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError

from bot.storage.errors import DatabaseIsNewer


def upgrade(connection: sa.Connection, migrations: Path) -> None:
    """Run the migrations that are missing.

    Raises DatabaseIsNewer if a later version of this bot has made the tables.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise DatabaseIsNewer from None

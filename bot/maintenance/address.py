"""Which database a maintenance command works on: the one in DATABASE_URL, without any other setting."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.maintenance.problems import CommandFailed
from bot.settings import DRIVERS, Settings, SettingsError, read_values
from bot.storage.file_lock import database_file


def database_url() -> str:
    """Return the address of the bot's database. Raises CommandFailed where it is none."""
    default: str = Settings.model_fields["database_url"].default.get_secret_value()
    try:
        url = read_values().get("database_url", default)
    except SettingsError as error:
        raise CommandFailed(str(error)) from None
    if not url.startswith(DRIVERS):
        raise CommandFailed("DATABASE_URL must start with sqlite+aiosqlite:/// or postgresql+asyncpg://.")
    return url


def file_of(url: str) -> Path | None:
    """Return the database's file, None for Postgres. Raises CommandFailed for what is no address."""
    try:
        return database_file(url)
    except ValueError:
        raise CommandFailed("DATABASE_URL is not the address of a database.") from None


def server_arguments(url: str) -> str:
    """Return how the tools of Postgres are led to a database, without its password."""
    parts = urlsplit(url)
    options = [("-h", parts.hostname), ("-p", parts.port), ("-U", parts.username and unquote(parts.username))]
    given = [f"{name} {value}" for name, value in options if value]
    return " ".join([*given, f"-d {unquote(parts.path.lstrip('/'))}"])

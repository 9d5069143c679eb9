"""Which database a maintenance command works on: the one in DATABASE_URL, without any other setting."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.maintenance.problems import CommandFailed
from bot.settings import DRIVERS, Settings
from bot.storage.file_lock import database_file

DEFAULT_URL: SecretStr = Settings.model_fields["database_url"].default


class _Address(BaseSettings):
    """The one setting that is read: a check needs no token."""

    model_config = SettingsConfigDict(**{**Settings.model_config})

    database_url: SecretStr = DEFAULT_URL


def database_url() -> str:
    """Return the address of the bot's database. Raises CommandFailed where it is none."""
    url = _Address().database_url.get_secret_value()
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

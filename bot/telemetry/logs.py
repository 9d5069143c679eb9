"""Logging that cannot give a secret away."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

OURS = ("bot", "cogs")  # the only loggers that may say more than INFO
# Statements with their values: SQLAlchemy writes them on INFO already, Alembic its migrations.
QUIET = ("sqlalchemy", "aiosqlite", "asyncpg", "alembic")

# The tokens of interactions stand in the paths of Discord's webhook routes, which discord.py logs.
_WEBHOOK_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.-]+")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+\?)[^\s'\"<>)]+")  # signed links open a file for everybody
_HIDDEN = "[hidden]"
_SECRET_MIN = 6  # characters; hiding every "a" of a password "a" would leave no log


class RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, without the secrets it was told."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("{asctime} {levelname:<8} {name}: {message}", style="{")
        self._secrets = [secret for secret in secrets if len(secret) >= _SECRET_MIN]

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text with every secret hidden."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _QUERY.sub(rf"\1{_HIDDEN}", _WEBHOOK_TOKEN.sub(rf"\1{_HIDDEN}", text))


class ShortReconnects(logging.Filter):
    """Lets an attempt to reconnect be one line: its traceback tells nothing that the line does not."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the type of the exception in place of its traceback."""
        if record.exc_info and record.exc_info[0] and str(record.msg).startswith("Attempting a reconnect"):
            record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
            record.exc_info = record.exc_text = None
        return True


def set_up(level: str, secrets: Iterable[str]) -> None:
    """Send all logs of this level and above to standard error.

    On DEBUG the libraries stay at INFO: below it they write whole events, bodies and statements.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(secrets))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.getLevelName(level), logging.INFO))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.getLevelName(level), logging.WARNING))
    for name in ("discord.client", "discord.shard"):
        logging.getLogger(name).addFilter(ShortReconnects())

"""Logging that cannot give a secret away."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

# The tokens of interactions stand in the paths of Discord's webhook routes, which discord.py logs on DEBUG.
_WEBHOOK_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.-]+")
_HIDDEN = "[hidden]"


class RedactingFormatter(logging.Formatter):
    """Formats records, tracebacks included, without the secrets it was told."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__("{asctime} {levelname:<8} {name}: {message}", style="{")
        self._secrets = [secret for secret in secrets if secret]

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text with every secret hidden."""
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _WEBHOOK_TOKEN.sub(rf"\1{_HIDDEN}", text)


def set_up(level: str, secrets: Iterable[str]) -> None:
    """Send all logs of this level and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter(secrets))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)

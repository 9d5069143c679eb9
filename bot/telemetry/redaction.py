"""Takes secrets out of what is logged: out of the message, of every field, and of tracebacks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from structlog.typing import EventDict

# The tokens of interactions stand in the paths of Discord's webhook routes, which discord.py logs.
_WEBHOOK_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[\w.-]+")
_QUERY = re.compile(r"(https?://[^\s?'\"<>]+\?)[^\s'\"<>)]+")  # signed links open a file for everybody
_HIDDEN = "[hidden]"
_SECRET_MIN = 6  # characters; hiding every "a" of a password "a" would leave no log


class Redaction:
    """Hides secrets before anything is rendered: escaped in JSON they would not be recognized."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= _SECRET_MIN]

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        """Return a line's fields without secrets: a processor of structlog."""
        return {name: self._value(value) for name, value in event.items()}

    def text(self, text: str) -> str:
        """Return a text with every secret hidden."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _QUERY.sub(rf"\1{_HIDDEN}", _WEBHOOK_TOKEN.sub(rf"\1{_HIDDEN}", text))

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self.text(str(name)): self._value(inner) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(inner) for inner in value]
        return self.text(str(value))

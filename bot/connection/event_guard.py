"""Events of Discord that the library cannot read: logged and counted, never the end of the process."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

INTERACTION = "INTERACTION_CREATE"

Parser = Callable[[Any], None]


class EventGuard:
    """Keeps what one event's parser raises away from the connection that delivered it."""

    def __init__(self, on_unreadable: Callable[[str, Any], None]) -> None:
        self._on_unreadable = on_unreadable
        self.unreadable: Counter[tuple[str, str]] = Counter()  # by event and type of exception

    def protect(self, parsers: dict[str, Parser]) -> None:
        """Wrap these parsers in place; every connection and shard of a client looks its parsers up there."""
        for name, parse in list(parsers.items()):
            parsers[name] = self._protected(name, parse)

    def _protected(self, name: str, parse: Parser) -> Parser:
        def protected(data: Any) -> None:
            try:
                parse(data)
            except Exception as error:
                self._count(name, error)
                self._on_unreadable(name, data)

        return protected

    def _count(self, name: str, error: Exception) -> None:
        kind = (name, type(error).__name__)
        self.unreadable[kind] += 1
        if self.unreadable[kind] > 1:
            return  # a server can send the same odd event all day
        # A member waits behind an interaction; behind other events nobody does.
        level = logging.ERROR if name == INTERACTION else logging.WARNING
        text = "An event %s of Discord could not be read (%s); more of them are counted only"
        log.log(level, text, name, origin(error))


def origin(error: BaseException) -> str:
    """Return what was raised and where; its text would hold what somebody sent."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {Path(frames[-1].filename).name}, line {frames[-1].lineno}"

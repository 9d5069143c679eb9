"""In which language Discord says that somebody's app and a server are: SimCord says en-US of everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import simcord.interactions

ENGLISH = "en-US"


@dataclass
class Locales:
    """Discord's names of locales, by the IDs of members and servers."""

    default: str = ENGLISH
    members: dict[int, str] = field(default_factory=dict)
    servers: dict[int, str] = field(default_factory=dict)


@contextmanager
def simulated_locales(locales: Locales) -> Iterator[None]:
    """Let every interaction in this block come with these locales; changes of them count at once."""
    given = simcord.interactions.base_payload

    def base_payload(*args: Any, **options: Any) -> Any:
        record, payload = given(*args, **options)
        payload["locale"] = locales.members.get(options["user_id"], locales.default)
        if options["guild_id"] is not None:
            payload["guild_locale"] = locales.servers.get(options["guild_id"], locales.default)
        return record, payload

    simcord.interactions.base_payload = base_payload
    try:
        yield
    finally:
        simcord.interactions.base_payload = given

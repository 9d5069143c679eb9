"""How far back the memory of quotas goes, server by server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta


class Reach:
    """The moments after which memory holds everything that counts; None is since ever."""

    def __init__(self) -> None:
        self._common: datetime | None = None  # for direct messages, and every server that is not listed
        self._servers: dict[int, datetime] = {}

    def begin(self, since: datetime) -> None:
        """Take that everything after this moment is there, for all servers."""
        self._common = since

    def extend(self, guild_id: int, since: datetime) -> None:
        """Take that everything of a server after this moment is there."""
        self._servers[guild_id] = since

    def forget_old(self, now: datetime, kept: Callable[[int | None], timedelta]) -> None:
        """Take that what is older than this, server by server, was dropped."""
        self._common = _later(self._common, now - kept(None))
        self._servers = {
            guild_id: _later(since, now - kept(guild_id)) for guild_id, since in self._servers.items()
        }

    def since(self, guild_id: int | None) -> datetime | None:
        """Return the moment after which everything of a server is there."""
        if guild_id is None:
            return self._common
        return self._servers.get(guild_id, self._common)


def _later(since: datetime | None, other: datetime) -> datetime:
    return other if since is None else max(since, other)

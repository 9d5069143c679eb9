"""Where the operator lets members make videos. Pure: an interaction is judged in `bot/intake/access.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccessRule:
    """In which servers, and whether outside of those the bot is a member of."""

    servers: frozenset[int] = frozenset()  # empty: every server that the bot is a member of
    direct: bool = True  # direct messages, group chats, and servers where only a member has installed the bot

    def allows(self, guild_id: int | None, *, guest: bool) -> bool:
        """Tell whether members may use the bot in this server, or outside of all where there is none.

        As a guest the bot isn't a member of that server: somebody has installed it for themselves.
        """
        if guild_id in self.servers:
            return True
        if guild_id is None or guest:
            return self.direct
        return not self.servers

    def __str__(self) -> str:
        """Return the rule in words for the log."""
        servers = "any server"
        if self.servers:
            servers = f"these servers: {', '.join(map(str, sorted(self.servers)))}"
        direct = "and also" if self.direct else "but not"
        return f"in {servers}; {direct} in direct messages and where only a member has installed the bot"

"""The bot with as many connections to Discord as the settings say."""

from __future__ import annotations

from discord.ext import commands
from yarl import URL

from bot.client.bot import ViduBot
from bot.settings import Settings


class ShardedViduBot(ViduBot, commands.AutoShardedBot):
    """The bot with several connections to Discord, each for its share of the servers."""

    async def launch_shard(self, gateway: URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect one shard. What it can't read at all costs its session, as in `stay_connected`."""
        await super().launch_shard(gateway, shard_id, initial=initial)
        # discord.py 2.7 would end the whole client.
        shard = self._AutoShardedClient__shards[shard_id]  # type: ignore[attr-defined]
        shard._handled_exceptions = (Exception,)


def new_bot(settings: Settings) -> ViduBot:
    """Return the bot for as many shards as the settings say."""
    return ViduBot(settings) if settings.shard_count == 1 else ShardedViduBot(settings)

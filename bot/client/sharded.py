"""The bot with several connections to Discord, or with a part of them."""

from __future__ import annotations

import logging

import discord
from discord.ext import commands
from yarl import URL

from bot.client.bot import ViduBot
from bot.models.shards import Share
from bot.settings import Settings

# Seconds for one connection, most of which it waits for its turn: each of the others takes 5.
CONNECT_SECONDS = 600.0

log = logging.getLogger(__name__)


class ShardedViduBot(ViduBot, commands.AutoShardedBot):
    """The bot with several connections to Discord, each for its share of the servers."""

    async def serve(self, share: Share) -> None:
        """Let the connections to Discord be those of the slot."""
        self.shard_count, self.shard_ids = share.shard_count, list(share.served)
        self.shard_connect_timeout = CONNECT_SECONDS
        try:
            limits = await self.fetch_session_start_limits()
        except discord.GatewayNotFound:
            log.warning("Discord doesn't say how many sessions may begin at once; they begin one by one")
        else:
            self.identify_buckets = max(1, limits.max_concurrency)

    async def launch_shard(self, gateway: URL, shard_id: int, *, initial: bool = False) -> None:
        """Connect one shard. What it can't read at all costs its session, as in `stay_connected`."""
        if self.is_closed():
            return
        await super().launch_shard(gateway, shard_id, initial=initial)
        # discord.py 2.7 would end the whole client.
        shard = self._AutoShardedClient__shards.get(shard_id)  # type: ignore[attr-defined]
        if shard is not None:
            shard._handled_exceptions = (Exception,)


def new_bot(settings: Settings, *, sharded: bool = False, shards_min: int = 1) -> ViduBot:
    """Return the bot for one connection to Discord, or for several where that is known beforehand."""
    several = sharded or settings.processes > 1 or (settings.shard_count or 1) > 1
    return (ShardedViduBot if several else ViduBot)(settings, shards_min=shards_min)

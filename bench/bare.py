"""A bot that does nothing but defer: the floor under everybody's first answer."""

from __future__ import annotations

import os
from typing import Any

import discord


class Bare(discord.Client):
    """Answers every command with a placeholder, and nothing more."""

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Defer."""
        await interaction.response.defer(thinking=True)


if __name__ == "__main__":
    Bare(
        intents=discord.Intents(guilds=True),
        member_cache_flags=discord.MemberCacheFlags.none(),
        max_messages=None,
    ).run(os.environ["DISCORD_TOKEN"])

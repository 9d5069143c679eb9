"""What all message commands share: somebody points at a message, and something is done with it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.context import Interaction

Act = Callable[[Interaction, discord.Message], Coroutine[Any, Any, None]]


class MessageCommandCog(commands.Cog):
    """Adds a command with the menu of messages, and removes it again."""

    def __init__(self, tree: app_commands.CommandTree[Any], name: str, act: Act, *, everywhere: bool) -> None:
        self._tree = tree
        # No decorated method: discord.py allows those for message commands at the top level only.
        self.command = app_commands.ContextMenu(name=name, callback=act)
        self.command.allowed_installs = app_commands.AppInstallationType(guild=True, user=everywhere)
        self.command.allowed_contexts = app_commands.AppCommandContext(
            guild=True, dm_channel=everywhere, private_channel=everywhere
        )

    async def cog_load(self) -> None:
        """Add the command."""
        self._tree.add_command(self.command)

    async def cog_unload(self) -> None:
        """Remove the command."""
        self._tree.remove_command(self.command.name, type=self.command.type)

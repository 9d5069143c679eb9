"""The message command: a video from the images and videos of any message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.answers import answer_privately
from bot.intake.attachments import sources_in
from bot.intake.context import Interaction
from bot.models.drafts import Draft, fitting
from bot.ui.texts import answers as texts

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

NAME = "Make a video from this"


class MessageCommand(commands.Cog):
    """Opens the form for a message that somebody points at."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        # No decorated method: discord.py allows those for message commands at the top level only.
        self.command = app_commands.ContextMenu(name=NAME, callback=self.make_video)
        self.command.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        self.command.allowed_contexts = app_commands.AppCommandContext(
            guild=True, dm_channel=True, private_channel=True
        )

    async def cog_load(self) -> None:
        """Add the command."""
        self.bot.tree.add_command(self.command)

    async def cog_unload(self) -> None:
        """Remove the command."""
        self.bot.tree.remove_command(self.command.name, type=self.command.type)

    async def make_video(self, interaction: Interaction, message: discord.Message) -> None:
        """Open the form with the message's images and videos."""
        sources = sources_in(message)
        if not sources:
            await answer_privately(interaction, texts.nothing_to_use())
            return
        draft = Draft(interaction.id, interaction.user.id, sources=tuple(sources), chosen=fitting(sources))
        await self.bot.forms.open(interaction, draft)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(MessageCommand(bot))

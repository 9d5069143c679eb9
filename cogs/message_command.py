"""The message menu: a video from the pictures and clips of any message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.intake.answers import answer_privately
from bot.intake.attachments import sources_in
from bot.intake.intake import Intake
from bot.media.formats import ANY_NEEDED
from bot.models.drafts import Draft, fitting

if TYPE_CHECKING:
    from bot.client import ViduBot

NAME = "Make a video from this"
NOTHING = (
    f"🖼️ There is no picture or clip in that message that I can use ({ANY_NEEDED}). "
    "Choose another message, or attach files with `/vidu`."
)


class MessageCommand(commands.Cog):
    """Opens the window for a message that somebody points at."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        self.intake = Intake(bot)
        # A cog cannot hold a menu as a decorated method: discord.py allows those at the top level only.
        self.menu = app_commands.ContextMenu(name=NAME, callback=self.make_video)
        self.menu.allowed_installs = app_commands.AppInstallationType(guild=True, user=True)
        self.menu.allowed_contexts = app_commands.AppCommandContext(
            guild=True, dm_channel=True, private_channel=True
        )

    async def cog_load(self) -> None:
        """Add the menu."""
        self.bot.tree.add_command(self.menu)

    async def cog_unload(self) -> None:
        """Remove the menu."""
        self.bot.tree.remove_command(self.menu.name, type=self.menu.type)

    async def make_video(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """Open the window with the message's pictures and clips."""
        sources = sources_in(message)
        if not sources:
            await answer_privately(interaction, NOTHING)
            return
        draft = Draft(interaction.id, interaction.user.id, sources=tuple(sources), chosen=fitting(sources))
        await self.intake.open_window(interaction, draft)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(MessageCommand(bot))

"""The message command: a video from the images and videos of any message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from bot.intake.answers import answer_privately
from bot.intake.attachments import sources_in
from bot.intake.context import Interaction
from bot.intake.message_commands import MessageCommandCog
from bot.models.drafts import Draft, fitting
from bot.ui.texts import answers as texts

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

NAME = "Make a video from this"


class MessageCommand(MessageCommandCog):
    """Opens the form for a message that somebody points at."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__(bot.tree, NAME, self.make_video, everywhere=True)
        self.bot = bot

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

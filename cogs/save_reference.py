"""The message command "Save as reference", and the form in which its member types a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from bot.intake.access import allowed_or_answered
from bot.intake.answers import failures_answered
from bot.intake.context import Interaction, first_answer_due
from bot.intake.message_commands import MessageCommandCog
from bot.intake.modal_answers import custom_id_of, read_answers
from bot.ui.custom_ids import draft_id_of, is_cast_modal

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

NAME = "Save as reference"


class SaveReference(MessageCommandCog):
    """Saves the pictures of a message that somebody points at."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__(bot.tree, NAME, self.ask_name, everywhere=True)
        self.bot = bot

    async def ask_name(self, interaction: Interaction, message: discord.Message) -> None:
        """Ask for a name."""
        await self.bot.cast_saving.ask_name(interaction, message)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Hear every answer to the form: discord.py forgets its own forms when the process ends."""
        if interaction.type is not discord.InteractionType.modal_submit:
            return
        custom_id = custom_id_of(interaction)
        if not is_cast_modal(custom_id):
            return
        first_answer_due(interaction)  # its time begins now
        async with failures_answered(interaction, "The answer to a form"):
            if await allowed_or_answered(self.bot.access, interaction):
                draft_id = draft_id_of(custom_id) or 0
                await self.bot.cast_saving.take(interaction, draft_id, read_answers(interaction.data))


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(SaveReference(bot))

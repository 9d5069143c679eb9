"""The one place where a failed command becomes a sentence."""

from __future__ import annotations

import logging

import discord
from discord import app_commands
from discord.ext import commands

log = logging.getLogger(__name__)

UNEXPECTED = (
    "⚠️ Something went wrong on my side, and I have written it down for the people who run me. "
    "`/videos` shows whether your request is under way; if it is not there, please try again."
)
NO_PERMISSION = "🔒 Only members who may time out others (Moderate Members) can use this command."
ELSEWHERE = "🏠 This command works in a server only. Use it in one of its channels."


async def answer_privately(interaction: discord.Interaction, text: str) -> None:
    """Tell only the member who asked, whether or not something was answered before."""
    if interaction.response.is_done():
        await interaction.followup.send(text, ephemeral=True)
    else:
        await interaction.response.send_message(text, ephemeral=True)


class Errors(commands.Cog):
    """Answers for every command that failed."""

    @commands.Cog.listener()
    async def on_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Answer a command that failed; what nobody expected goes to the log with its traceback."""
        if isinstance(error, app_commands.NoPrivateMessage):
            text = ELSEWHERE
        elif isinstance(error, app_commands.MissingPermissions):
            text = NO_PERMISSION
        else:
            command = interaction.command.qualified_name if interaction.command else "unknown"
            log.error("The command %s failed", command, exc_info=error)
            text = UNEXPECTED
        try:
            await answer_privately(interaction, text)
        except discord.HTTPException as failure:
            # The interaction itself is lost (10062): there is no place left to answer.
            log.warning("The member could not be told (%s, %s)", failure.status, failure.code)


async def setup(bot: commands.Bot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Errors())

"""`/vidu-check`: what the bot may do in a channel, for those who can change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.intake.access import EVERYWHERE, check_permission, is_allowed
from bot.intake.answers import answer_privately
from bot.intake.channel_check import missing_permissions
from bot.intake.context import Interaction
from bot.ui.texts.channel_check import channel_check

if TYPE_CHECKING:
    from bot.client.bot import ViduBot


class ViduCheck(commands.Cog, name="Check"):
    """Tells moderators which permissions the bot lacks."""

    def __init__(self, bot: ViduBot) -> None:
        self._bot = bot

    # Everywhere: where the operator doesn't allow the bot, this says so.
    @app_commands.command(
        name="vidu-check", description="See which permissions I'm missing in this channel", extras=EVERYWHERE
    )
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def check(self, interaction: Interaction) -> None:
        """Answer with what is missing, to the moderator only."""
        check_permission(interaction, "manage_guild")
        allowed = is_allowed(self._bot.access, interaction)
        await answer_privately(interaction, channel_check(missing_permissions(interaction), allowed=allowed))


async def setup(bot: ViduBot) -> None:
    """Add the command."""
    await bot.add_cog(ViduCheck(bot))

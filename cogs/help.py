"""`/help`: how to make a video, and what is left for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.intake.access import EVERYWHERE, is_allowed
from bot.intake.context import Interaction, quota_guild_id, role_ids
from bot.models.catalog import CATALOG
from bot.settings import Settings
from bot.ui.help_card import PRIVACY, TERMS, Help, help_card

if TYPE_CHECKING:
    from bot.client.bot import ViduBot


class HelpCommand(commands.Cog, name="Help"):
    """Explains the bot to a member."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        self._model = CATALOG[bot.settings.gmi_model]
        self._pages = _pages(bot.settings)

    # Everywhere: where no video may be made, this says so.
    @app_commands.command(
        name="help", description="How to make a video, and what you can use", extras=EVERYWHERE
    )
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def help(self, interaction: Interaction) -> None:
        """Show how to make a video, and the member's quota here; nothing has to be read for it."""
        view = help_card(self._about(interaction))
        await interaction.response.send_message(view=view, ephemeral=True)

    def _about(self, interaction: Interaction) -> Help:
        quotas, guild_id = self.bot.quota_service, quota_guild_id(interaction)
        return Help(
            self._model,
            quotas.status(guild_id, interaction.user.id, role_ids(interaction)),
            allowed=is_allowed(self.bot.access, interaction),
            paused=guild_id is not None and quotas.budget(guild_id).paused,
            full=[budget for budget in quotas.budgets_in_force(guild_id) if budget.used_share >= 1],
            pages=self._pages,
        )


def _pages(settings: Settings) -> dict[str, str]:
    """Return the operator's pages: address by what it is called."""
    pages = {PRIVACY: settings.privacy_url, TERMS: settings.terms_url}
    return {name: url for name, url in pages.items() if url is not None}


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(HelpCommand(bot))

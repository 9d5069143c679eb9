"""`/language`: in which language everyone in a server sees cards and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord import app_commands
from discord.ext import commands

from bot.intake.access import check_permission
from bot.intake.answers import answer_privately
from bot.intake.context import Interaction
from bot.intake.language_command import LanguageCommand
from bot.models.languages import Language
from bot.ui.catalogs import languages
from bot.ui.texts.language import LANGUAGE_NAMES
from bot.ui.texts.quota_commands import with_warnings

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

AUTOMATIC = "automatic"  # the language of the server in Discord
CHOICES = [
    app_commands.Choice(name="Automatic", value=AUTOMATIC),
    *(app_commands.Choice(name=LANGUAGE_NAMES[language], value=language.value) for language in languages()),
]


class LanguageOfServer(commands.Cog, name="Language"):
    """Lets moderators choose a language."""

    def __init__(self, bot: ViduBot) -> None:
        self._command = LanguageCommand(bot.moderation, bot.languages, bot.audit_log)

    @app_commands.command(
        name="language", description="Choose the language in which everyone in this server sees my videos"
    )
    @app_commands.describe(language="The language (leave it out to see which one it is)")
    @app_commands.choices(language=CHOICES)
    @app_commands.default_permissions(moderate_members=True)
    @app_commands.guild_only()
    @app_commands.allowed_installs(guilds=True, users=False)
    async def language(self, interaction: Interaction, language: str | None = None) -> None:
        """Choose the language, or show it."""
        check_permission(interaction, "moderate_members")
        guild_id = interaction.guild_id
        assert guild_id is not None, "the command is guild_only"
        if language is None:
            text = self._command.show(guild_id)
        else:
            chosen = None if language == AUTOMATIC else Language(language)
            text = await self._command.choose(guild_id, interaction.user.id, chosen)
        await answer_privately(interaction, with_warnings(text, self._command.trouble(guild_id)))


async def setup(bot: ViduBot) -> None:
    """Add the command; called by `load_extension`."""
    await bot.add_cog(LanguageOfServer(bot))

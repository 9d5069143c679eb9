"""`/privacy`: what is stored about me, all of it as a file, and to have it erased."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.intake.access import EVERYWHERE
from bot.intake.answers import answer_privately
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction, quota_guild_id
from bot.moderation.privacy import file_name, pictures_name
from bot.ui.buttons import erase_question_view
from bot.ui.custom_ids import PRIVACY_BUTTON, PrivacyAction
from bot.ui.texts import privacy as texts
from bot.ui.texts.answers import server_only

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

log = logging.getLogger(__name__)


# Everywhere, also where the operator doesn't allow the bot any more: what is stored is still the member's.
@app_commands.allowed_installs(guilds=True, users=True)
@app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
class PrivacyCommands(
    commands.GroupCog, name="Privacy", group_name="privacy", group_description="What I've saved about you"
):
    """Answers whoever asks about their own data; nobody else sees it."""

    def __init__(self, bot: ViduBot) -> None:
        super().__init__()
        self.bot = bot
        self._kept_for = timedelta(days=bot.settings.retention_days)

    @app_commands.command(description="See what I've saved about you, and for how long", extras=EVERYWHERE)
    async def show(self, interaction: Interaction) -> None:
        """Say how much of what is stored."""
        await interaction.response.defer(ephemeral=True)
        data = await self.bot.privacy.count(interaction.user.id)
        await interaction.edit_original_response(content=texts.stored(data, self._kept_for))

    @app_commands.command(description="Get everything I've saved about you as a file", extras=EVERYWHERE)
    async def export(self, interaction: Interaction) -> None:
        """Send it as JSON."""
        await interaction.response.defer(ephemeral=True)
        export = await self.bot.privacy.export(interaction.user.id, interaction.filesize_limit)
        now = self.bot.clock.now()
        files = [discord.File(io.BytesIO(export.content), file_name(now))]
        if export.pictures:
            files.append(discord.File(io.BytesIO(export.pictures), pictures_name(now)))
        await interaction.edit_original_response(content=texts.exported(export), attachments=files)

    @app_commands.command(description="Erase everything I've saved about you; asks once", extras=EVERYWHERE)
    async def erase(self, interaction: Interaction) -> None:
        """Ask whether to erase everything."""
        await interaction.response.defer(ephemeral=True)
        data = await self.bot.privacy.count(interaction.user.id)
        view = erase_question_view(PrivacyAction.ERASE)
        await interaction.edit_original_response(content=texts.erase_question(data), view=view)

    @app_commands.command(
        name="server-erase",
        description="For Manage Server: erase all rules of this server; asks once",
        extras=EVERYWHERE,
    )
    async def server_erase(self, interaction: Interaction) -> None:
        """Ask whether to erase a server's rules."""
        if await _server_or_answered(interaction) is not None:
            view = erase_question_view(PrivacyAction.ERASE_SERVER)
            await answer_privately(interaction, texts.server_question(), view=view)

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Find out which servers the bot was removed from while it was away."""
        self.bot.departures.compare({guild.id for guild in self.bot.guilds})

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Note that the rules of a server are to go some day."""
        self.bot.departures.left(guild.id)

    @commands.Cog.listener()
    async def on_guild_join(self, guild: discord.Guild) -> None:
        """Note that the rules of a server stay."""
        self.bot.departures.joined(guild.id)


class PrivacyButton(AnsweredButton, template=PRIVACY_BUTTON):
    """A button below a question; only who asked sees it, so it is about whoever clicks."""

    everywhere = True  # as `/privacy` itself

    def __init__(self, item: ui.Item[Any], action: PrivacyAction) -> None:
        super().__init__(item)
        self.action = action

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id what it does."""
        return cls(item, PrivacyAction(match["action"]))

    async def act(self, interaction: Interaction) -> None:
        """Do it, and let the answer take the place of the question."""
        await _ACTS[self.action](interaction.client, interaction)


async def _keep(_bot: ViduBot, interaction: Interaction) -> None:
    await interaction.response.edit_message(content=texts.kept(), view=None)


async def _erase(bot: ViduBot, interaction: Interaction) -> None:
    await interaction.response.defer()
    result = await bot.privacy.erase(interaction.user.id)
    await interaction.edit_original_response(content=texts.erased(result), view=None)


async def _erase_server(bot: ViduBot, interaction: Interaction) -> None:
    guild_id = await _server_or_answered(interaction)
    if guild_id is None:
        return
    await interaction.response.defer()
    await bot.forget_server(guild_id)
    bot.storage.compaction.request()
    log.info("Server %s: %s erased its rules", guild_id, interaction.user.id)
    await interaction.edit_original_response(content=texts.server_erased(), view=None)


async def _server_or_answered(interaction: Interaction) -> int | None:
    """Return the server if whoever acts may erase its rules; otherwise they are told why not."""
    guild_id = quota_guild_id(interaction)
    if guild_id is None:
        await answer_privately(interaction, server_only())
    elif not interaction.permissions.manage_guild:
        # Checked in code: permissions and places are Discord's for a whole group of commands only.
        await answer_privately(interaction, texts.manage_server_only())
        return None
    return guild_id


_ACTS: dict[PrivacyAction, Callable[[Any, Interaction], Awaitable[None]]] = {
    PrivacyAction.ERASE: _erase,
    PrivacyAction.ERASE_SERVER: _erase_server,
    PrivacyAction.KEEP: _keep,
}


async def setup(bot: ViduBot) -> None:
    """Add the cog and the buttons; called by `load_extension`."""
    bot.add_dynamic_items(PrivacyButton)
    await bot.add_cog(PrivacyCommands(bot))

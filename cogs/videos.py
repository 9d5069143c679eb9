"""`/videos`: my jobs, page by page, and what is left of my quota."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from discord import app_commands, ui
from discord.ext import commands

from bot.intake.access import EVERYWHERE
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction, quota_guild_id, role_ids
from bot.ui.custom_ids import PAGE_BUTTON, number_in
from bot.ui.video_list import PAGE, video_list

if TYPE_CHECKING:
    from bot.client import ViduBot


class Videos(commands.Cog):
    """Shows a member their own videos."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    # Everywhere: a video that was paid for reaches its member, also where the operator doesn't allow the bot.
    @app_commands.command(description="See your videos and how much of your quota is left", extras=EVERYWHERE)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def videos(self, interaction: Interaction) -> None:
        """Show the first page of the member's videos, and their quota."""
        await interaction.response.defer(ephemeral=True)
        await interaction.edit_original_response(view=await _page(self.bot, interaction, 1))


class PageButton(AnsweredButton, template=PAGE_BUTTON):
    """A button that turns the list to another page."""

    everywhere = True  # as `/videos` itself

    def __init__(self, item: ui.Item[Any], page: int) -> None:
        super().__init__(item)
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id which page it leads to."""
        return cls(item, number_in(match["page"]))

    async def act(self, interaction: Interaction) -> None:
        """Turn to another page; the list is its reader's own, nobody else can click there."""
        await interaction.response.defer()
        await interaction.edit_original_response(view=await _page(interaction.client, interaction, self.page))


async def _page(bot: ViduBot, interaction: Interaction, page: int) -> ui.LayoutView:
    """Return a page of the list, or the nearest one that there is."""
    user = interaction.user
    pages = max(1, -(-await bot.storage.jobs.count_of_user(user.id) // PAGE))
    page = max(1, min(page, pages))
    jobs = await bot.storage.jobs.of_user(user.id, limit=PAGE, offset=(page - 1) * PAGE)
    quota = bot.quota_service.status(quota_guild_id(interaction), user.id, role_ids(interaction))
    return video_list(jobs, page, pages, quota)


async def setup(bot: ViduBot) -> None:
    """Add the cog and the buttons; called by `load_extension`."""
    bot.add_dynamic_items(PageButton)
    await bot.add_cog(Videos(bot))

"""`/videos`: my jobs, page by page, and what is left of my quota."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from discord import app_commands, ui
from discord.ext import commands

from bot.intake.access import EVERYWHERE
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction, quota_guild_id, role_ids
from bot.models.requests import clean_prompt
from bot.ui.custom_ids import PAGE_BUTTON, SEARCH_MAX, number_in
from bot.ui.video_list import PAGE, video_list

if TYPE_CHECKING:
    from bot.client.bot import ViduBot


class Videos(commands.Cog):
    """Shows a member their own videos."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    # Everywhere: a video that was paid for reaches its member, also where the operator doesn't allow the bot.
    @app_commands.command(description="See your videos and how much of your quota is left", extras=EVERYWHERE)
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(search="Only videos with all of these words in their prompt")
    async def videos(
        self, interaction: Interaction, search: app_commands.Range[str, 1, SEARCH_MAX] | None = None
    ) -> None:
        """Show the first page of the member's videos, or of those that a search finds, and their quota."""
        await interaction.response.defer(ephemeral=True)
        looked_for = " ".join(clean_prompt(search or "").split())
        await interaction.edit_original_response(view=await _page(self.bot, interaction, 1, looked_for))


class PageButton(AnsweredButton, template=PAGE_BUTTON):
    """A button that turns the list to another page."""

    everywhere = True  # as `/videos` itself

    def __init__(self, item: ui.Item[Any], page: int, search: str) -> None:
        super().__init__(item)
        self.page = page
        self.search = search

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id which page it leads to, and of which search; old ids have none."""
        return cls(item, number_in(match["page"]), match["search"] or "")

    async def act(self, interaction: Interaction) -> None:
        """Turn to another page; the list is its reader's own, nobody else can click there."""
        await interaction.response.defer()
        view = await _page(interaction.client, interaction, self.page, self.search)
        await interaction.edit_original_response(view=view)


async def _page(bot: ViduBot, interaction: Interaction, page: int, search: str) -> ui.LayoutView:
    """Return a page of the list, or the nearest one that there is."""
    user, words = interaction.user, search.split()
    pages = max(1, -(-await bot.storage.jobs.count_of_user(user.id, words=words) // PAGE))
    page = max(1, min(page, pages))
    jobs = await bot.storage.jobs.of_user(user.id, words=words, limit=PAGE, offset=(page - 1) * PAGE)
    await bot.quota_service.refresh(quota_guild_id(interaction), user.id)
    quota = bot.quota_service.status(quota_guild_id(interaction), user.id, role_ids(interaction))
    pictures = await bot.thumbnails.of(jobs)
    return video_list(jobs, page, pages, quota, search=search, thumbnails=pictures)


async def setup(bot: ViduBot) -> None:
    """Add the cog and the buttons; called by `load_extension`."""
    bot.add_dynamic_items(PageButton)
    await bot.add_cog(Videos(bot))

"""`/videos`: my last jobs and what is left of my quota."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.cards import BLUE, heading, quote_prompt, sentence
from bot.jobs import Job, State
from cogs import sentences

if TYPE_CHECKING:
    from bot.client import ViduBot

SHOWN = 8  # jobs
PROMPT_SHOWN = 90  # characters; eight entries with their links stay below a message's 4,000


NONE_YET = "None yet. `/vidu` with a picture and a prompt makes the first."


class Videos(commands.Cog):
    """Shows a member their own videos."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    @app_commands.command(description="Your latest videos, and what is left of your quota")
    @app_commands.allowed_installs(guilds=True, users=False)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=False)
    async def videos(self, interaction: discord.Interaction) -> None:
        """Show the member's latest videos and their quota."""
        await interaction.response.defer(ephemeral=True)
        user = interaction.user
        jobs = await self.bot.ledger.jobs_of(user.id, limit=SHOWN)
        roles = [role.id for role in user.roles] if isinstance(user, discord.Member) else []
        standing = self.bot.quotas.standing(interaction.guild_id, user.id, roles, self.bot.clock.now())
        view = ui.LayoutView(timeout=None)
        container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=BLUE)
        container.add_item(ui.TextDisplay("### 🎞️ Your videos" if jobs else f"### 🎞️ Your videos\n{NONE_YET}"))
        for job in jobs:
            container.add_item(ui.TextDisplay(_entry(job)))
        container.add_item(ui.Separator())
        container.add_item(
            ui.TextDisplay("### 📊 Your quota\n" + "\n".join(sentences.standing_lines(standing)))
        )
        view.add_item(container)
        await interaction.edit_original_response(view=view)


def _entry(job: Job) -> str:
    """Return one job: state, when and where; why where it did not work; and its prompt."""
    place = job.address.guild_id or "@me"
    first = f"**{heading(job)}** · {sentences.when(job.created_at)}"
    if job.address.message_id is not None and not job.address.private:
        link = f"https://discord.com/channels/{place}/{job.address.channel_id}/{job.address.message_id}"
        first += f" · [to the card]({link})"
    if job.state in {State.SUCCEEDED, State.DELIVERED} and job.results:
        first += f" · [video](<{job.results[0]}>)"
    why = "" if job.state is State.DELIVERED else sentence(job)
    prompt = f"> {quote_prompt(job.request.prompt, PROMPT_SHOWN)}"
    return "\n".join([first, f"-# {why}", prompt] if why else [first, prompt])


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Videos(bot))

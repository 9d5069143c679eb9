"""`/videos`: my jobs, page by page, and what is left of my quota."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord
from discord import app_commands, ui
from discord.ext import commands

from bot.intake.answers import answer_failed
from bot.intake.context import home, role_ids
from bot.models.jobs import Job, State
from bot.ui import quota_texts as sentences
from bot.ui.buttons import CANCELLABLE, CardAction, CardButton, PageButton
from bot.ui.cards import BLUE
from bot.ui.job_texts import explanation, heading, quote_prompt

if TYPE_CHECKING:
    from bot.client import ViduBot

PAGE = 5  # jobs; a message has 40 components [Discord], a job takes up to five
PROMPT_SHOWN = 150  # characters; a page with its links stays below a message's 4,000

NONE_YET = "None yet. `/vidu` with a picture and a prompt makes the first."

_RUNNING = {State.SUBMITTING, State.QUEUED, State.PROCESSING}
_WITH_VIDEO = {State.SUCCEEDED, State.DELIVERED}


class Videos(commands.Cog):
    """Shows a member their own videos."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    @app_commands.command(description="Your videos, and what is left of your quota")
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def videos(self, interaction: discord.Interaction) -> None:
        """Show the first page of the member's videos, and their quota."""
        await interaction.response.defer(ephemeral=True)
        await interaction.edit_original_response(view=await self._page(interaction, 1))

    @commands.Cog.listener()
    async def on_page_button(self, interaction: discord.Interaction, page: int) -> None:
        """Turn to another page; the list is its reader's own, nobody else can press there."""
        try:
            await interaction.response.defer()
            await interaction.edit_original_response(view=await self._page(interaction, page))
        except Exception as error:
            await answer_failed(interaction, "A page of /videos", error)

    async def _page(self, interaction: discord.Interaction, page: int) -> ui.LayoutView:
        user = interaction.user
        pages = max(1, -(-await self.bot.storage.jobs.count_of_user(user.id) // PAGE))
        page = max(1, min(page, pages))
        jobs = await self.bot.storage.jobs.of_user(user.id, limit=PAGE, offset=(page - 1) * PAGE)
        standing = self.bot.quotas.standing(
            home(interaction), user.id, role_ids(interaction), self.bot.clock.now()
        )
        container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=BLUE)
        container.add_item(ui.TextDisplay(_title(page, pages) if jobs else f"### 🎞️ Your videos\n{NONE_YET}"))
        for job in jobs:
            container.add_item(ui.TextDisplay(_entry(job)))
            if buttons := _buttons(job):
                container.add_item(ui.ActionRow(*buttons))
        if pages > 1:
            container.add_item(ui.Separator())
            container.add_item(
                ui.ActionRow(
                    PageButton(page - 1, "Newer", "◀️", disabled=page == 1),
                    PageButton(page + 1, "Older", "▶️", disabled=page == pages),
                )
            )
        container.add_item(ui.Separator())
        quota = "### 📊 Your quota\n" + "\n".join(sentences.standing_lines(standing))
        container.add_item(ui.TextDisplay(quota))
        view = ui.LayoutView(timeout=None)
        view.add_item(container)
        return view


def _title(page: int, pages: int) -> str:
    return "### 🎞️ Your videos" + (f" · page {page} of {pages}" if pages > 1 else "")


def _buttons(job: Job) -> list[CardButton]:
    """Return what can be done with this job from here."""
    if job.state in _RUNNING:
        # A public card is a click on its link away; a private one may be gone from the screen.
        shown = [CardAction.SHOW] if job.location.private or job.location.guest else []
        cancel = [CardAction.CANCEL] if job.state in CANCELLABLE else []
        return [CardButton(press, job.id) for press in (*shown, *cancel)]
    if job.state in _WITH_VIDEO:
        presses = [CardAction.SHOW, CardAction.AGAIN]
    elif job.is_open:
        presses = []
    else:
        presses = [CardAction.AGAIN]
    return [CardButton(press, job.id) for press in presses]


def _entry(job: Job) -> str:
    """Return one job: state, when and where; why where it did not work; and its prompt."""
    place = job.location.guild_id or "@me"
    first = f"**{heading(job)}** · {sentences.when(job.created_at)}"
    if job.location.message_id is not None and not job.location.private and not job.location.guest:
        link = f"https://discord.com/channels/{place}/{job.location.channel_id}/{job.location.message_id}"
        first += f" · [View]({link})"
    why = "" if job.state is State.DELIVERED else explanation(job)
    prompt = f"> {quote_prompt(job.request.prompt, PROMPT_SHOWN)}"
    return "\n".join([first, f"-# {why}", prompt] if why else [first, prompt])


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Videos(bot))

"""The window: what a member typed becomes a draft, whether or not this process opened it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.intake.answers import answer_failed, answer_privately
from bot.intake.context import await_answer, is_first
from bot.intake.intake import Intake
from bot.intake.modal_answers import filled, mapping, read_answers
from bot.intake.repeats import RecentPresses
from bot.models.drafts import Draft
from bot.ui.modal import draft_id_of, is_window

if TYPE_CHECKING:
    from bot.client import ViduBot

FORGOTTEN = "⌛ I keep what you typed for a day, and that is over. Start anew with `/vidu`."
EXPIRED = "Discord no longer has your files: please attach them again."
NOT_YOURS = "🙂 This one is somebody else's. With `/vidu` you can make your own."


class ModalSubmissions(commands.Cog):
    """Takes in what members type into windows."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        self.intake = Intake(bot)
        self.submitted = RecentPresses()

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Hear every answer to a window: discord.py forgets its own windows when the process ends."""
        data = mapping(interaction.data)
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is not discord.InteractionType.modal_submit or not is_window(custom_id):
            return
        await_answer(interaction)
        try:
            draft = await self._begun(interaction, draft_id_of(custom_id))
            if draft.user_id != interaction.user.id:
                await answer_privately(interaction, NOT_YOURS)
                return
            answers = read_answers(data)
            # Discord lets a member submit again what it said had failed; it may have arrived all the same.
            if await is_first(interaction, self.submitted, f"{custom_id} {answers.what}"):
                await self.intake.take(interaction, filled(draft, answers))
        except Exception as error:
            await answer_failed(interaction, "The answer to a window", error)

    @commands.Cog.listener()
    async def on_window_button(self, interaction: discord.Interaction[ViduBot], draft_id: int) -> None:
        """Open a refused request again, with everything that was typed."""
        try:
            draft = await self.bot.storage.drafts.get(draft_id)
            if draft is None:
                await answer_privately(interaction, FORGOTTEN)
            elif draft.user_id != interaction.user.id:
                await answer_privately(interaction, NOT_YOURS)
            else:
                fresh = replace(draft, id=interaction.id).without_expired(self.bot.clock.now())
                lost = draft.sources and not fresh.sources
                await self.intake.open_window(interaction, fresh, EXPIRED if lost else None)
        except Exception as error:
            await answer_failed(interaction, "The button of a refusal", error)

    async def _begun(self, interaction: discord.Interaction[Any], draft_id: int | None) -> Draft:
        """Return what the window was opened with; its files, for the rest comes with the answer."""
        kept = None if draft_id is None else await self.bot.storage.drafts.get(draft_id)
        return kept or Draft(interaction.id, interaction.user.id)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(ModalSubmissions(bot))

"""The form: what a member typed becomes a draft, whether or not this process opened it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui
from discord.ext import commands

from bot.intake.access import allowed_or_answered
from bot.intake.answers import answer_privately, failures_answered
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction, first_answer_due
from bot.intake.modal_answers import custom_id_of, filled, read_answers
from bot.models.drafts import Draft
from bot.ui.custom_ids import DRAFT_BUTTON, draft_id_of, is_modal, number_in
from bot.ui.texts import answers as texts

if TYPE_CHECKING:
    from bot.client.bot import ViduBot


class Forms(commands.Cog):
    """Takes in what members type into forms."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Hear every answer to a form: discord.py forgets its own forms when the process ends."""
        if interaction.type is discord.InteractionType.modal_submit and is_modal(custom_id_of(interaction)):
            first_answer_due(interaction)  # its time begins now
            async with failures_answered(interaction, "The answer to a form"):
                if await allowed_or_answered(self.bot.access, interaction):
                    await self._take(interaction, custom_id_of(interaction))

    async def _take(self, interaction: Interaction, custom_id: str) -> None:
        """Start what the form asks for; its files were kept when it opened, the rest comes with it."""
        draft_id = draft_id_of(custom_id)
        kept = None if draft_id is None else await self.bot.forms.kept(draft_id)
        draft = kept or Draft(interaction.id, interaction.user.id)
        if draft.user_id != interaction.user.id:
            await answer_privately(interaction, texts.draft_of_another())
            return
        answers = read_answers(interaction.data)
        # Discord lets a member submit again what it said had failed; it may have arrived all the same.
        if await self.bot.intake.is_first(interaction, f"{custom_id} {answers.what}"):
            await self.bot.intake.take(interaction, filled(draft, answers))


class ReopenButton(AnsweredButton, template=DRAFT_BUTTON):
    """The button below a refusal: it opens the form again, with everything that was typed."""

    def __init__(self, item: ui.Item[Any], draft_id: int) -> None:
        super().__init__(item)
        self.draft_id = draft_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id which draft it opens."""
        return cls(item, number_in(match["draft"]))

    async def act(self, interaction: Interaction) -> None:
        """Open the form, unless what was typed is gone or somebody else's."""
        bot: ViduBot = interaction.client
        draft = await bot.forms.kept(self.draft_id)
        if draft is None:
            await answer_privately(interaction, texts.draft_forgotten())
        elif draft.user_id != interaction.user.id:
            await answer_privately(interaction, texts.draft_of_another())
        else:
            fresh = replace(draft, id=interaction.id).without_expired(bot.clock.now())
            lost = draft.sources and not fresh.sources
            await bot.forms.open(interaction, fresh, texts.files_expired() if lost else None)


async def setup(bot: ViduBot) -> None:
    """Add the cog and the button; called by `load_extension`."""
    bot.add_dynamic_items(ReopenButton)
    await bot.add_cog(Forms(bot))

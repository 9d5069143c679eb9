"""Saves a member's pictures under a name, from a command's attachments or from any message."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord.utils import MISSING

from bot.clock import Clock
from bot.intake.answers import answer_privately
from bot.intake.attachments import sources_in
from bot.intake.cast_commands import CastAnswer, CastCommands
from bot.intake.context import Interaction
from bot.intake.modal_answers import ModalAnswers
from bot.models.cast import PICTURES_MAX
from bot.models.catalog import Kind
from bot.models.drafts import Draft, Source
from bot.storage.drafts import DraftStore
from bot.ui.cast_modal import NAME, OPTIONS_MAX, USED, ReferenceModal
from bot.ui.texts import cast as texts


class CastSaving:
    """Takes pictures from where they are to the store."""

    def __init__(self, commands: CastCommands, drafts: DraftStore, clock: Clock) -> None:
        self._commands = commands
        self._drafts = drafts
        self._clock = clock

    async def save(self, interaction: Interaction, name: str, sources: Sequence[Source]) -> None:
        """Save pictures; what is wrong with the name is said before any of them is read."""
        user_id = interaction.user.id
        if obstacle := await self._commands.obstacle(user_id, name):
            await send(interaction, obstacle)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        saved = await self._commands.save(interaction.id, user_id, name, sources, interaction.filesize_limit)
        await send(interaction, saved)

    async def ask_name(self, interaction: Interaction, message: discord.Message) -> None:
        """Ask for a name for the pictures of a message. Raises StorageUnavailable."""
        found = [source for source in sources_in(message) if source.likely_kind is Kind.IMAGE][:OPTIONS_MAX]
        if not found:
            await answer_privately(interaction, texts.no_pictures())
            return
        # The answer to the form brings the name only, perhaps to another process.
        draft = Draft(interaction.id, interaction.user.id, sources=tuple(found))
        await self._drafts.save(draft, self._clock.now())
        await interaction.response.send_modal(ReferenceModal(draft.id, found))

    async def take(self, interaction: Interaction, draft_id: int, answers: ModalAnswers) -> None:
        """Save what a form was opened for under the name that was typed."""
        draft = await self._drafts.get(draft_id)
        if draft is None or draft.user_id != interaction.user.id:
            await answer_privately(interaction, texts.form_expired())
            return
        positions = answers.choices.get(USED)
        used = [
            source
            for position, source in enumerate(draft.sources)
            if positions is None or str(position) in positions
        ]
        await self.save(interaction, answers.texts.get(NAME, ""), used[:PICTURES_MAX])


async def send(interaction: Interaction, answer: CastAnswer) -> None:
    """Give a member an answer that only they see."""
    if not interaction.response.is_done():
        await answer_privately(interaction, answer.text, view=answer.view)
    elif answer.card is None:
        await interaction.edit_original_response(content=answer.text, view=answer.view)
    else:
        files = list(answer.files) or MISSING
        await interaction.edit_original_response(view=answer.card, attachments=files)

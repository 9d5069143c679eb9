"""What all buttons have in common: they are recognized by their ids, and a click never ends in silence."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from discord import ui

from bot.intake.access import allowed_or_answered
from bot.intake.answers import failures_answered
from bot.intake.context import Interaction, first_answer_due
from bot.models.access import AccessRule

_MARK = "vidu button"
_NOTHING = r"(?!)"  # matches no id: only a subclass with a template of its own is ever recognized


class AnsweredButton(ui.DynamicItem[ui.Item[Any]], template=_NOTHING):
    """A button whose click is acted on right here, and whose failures become a sentence."""

    everywhere = False  # whether it works also where the operator doesn't allow the bot

    async def callback(self, interaction: Interaction) -> None:
        """Act on a click, and answer whatever that raises."""
        interaction.extras[_MARK] = True
        first_answer_due(interaction)  # its time begins now
        async with failures_answered(interaction, f"The button {self.custom_id}"):
            access: AccessRule = interaction.client.access
            if self.everywhere or await allowed_or_answered(access, interaction):
                await self.act(interaction)

    @abstractmethod
    async def act(self, interaction: Interaction) -> None:
        """Do what the button asks for."""


def is_recognized(interaction: Interaction) -> bool:
    """Tell whether a button of ours acts on this click; discord.py drops one whose button it can't find."""
    return _MARK in interaction.extras

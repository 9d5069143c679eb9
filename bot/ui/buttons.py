"""The buttons of a card: ids that mean the same after any restart."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, Self

import discord
from discord import ui

from bot.models.jobs import Job, State
from bot.ui import custom_ids as presses


class CardAction(StrEnum):
    """What a button asks for. The values are part of the ids of buttons in old messages: never rename one."""

    CANCEL = "cancel"
    AGAIN = "again"
    EDIT = "edit"
    DELETE = "delete"
    SHOW = "show"


_LOOKS: dict[CardAction, tuple[str, str, discord.ButtonStyle]] = {
    CardAction.CANCEL: ("Cancel", "🛑", discord.ButtonStyle.secondary),
    CardAction.AGAIN: ("Again", "🔁", discord.ButtonStyle.primary),
    CardAction.EDIT: ("Edit", "✏️", discord.ButtonStyle.secondary),
    CardAction.SHOW: ("Show", "👁️", discord.ButtonStyle.secondary),
    CardAction.DELETE: ("Delete", "🗑️", discord.ButtonStyle.secondary),
}

CANCELLABLE = {State.SUBMITTING, State.QUEUED}  # what is being made is paid for: it is left alone


class CardButton(
    ui.DynamicItem[ui.Button[Any]], template=rf"vidu:(?P<press>{'|'.join(CardAction)}):(?P<job>[0-9]+)"
):
    """A button of one job's card; the cogs hear of a press as the event `card_button`."""

    def __init__(self, press: CardAction, job_id: int) -> None:
        label, emoji, style = _LOOKS[press]
        super().__init__(
            ui.Button(label=label, emoji=emoji, style=style, custom_id=f"vidu:{press.value}:{job_id}")
        )
        self.press = press
        self.job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button anew from its id."""
        return cls(CardAction(match["press"]), presses.number_in(match["job"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tell the cogs."""
        presses.take(interaction)
        interaction.client.dispatch("card_button", interaction, self.press, self.job_id)


class PageButton(ui.DynamicItem[ui.Button[Any]], template=r"vidu-videos:(?P<page>[0-9]+)"):
    """A button that turns the list of a member's videos to a page; the cogs hear of it as `page_button`."""

    def __init__(
        self, page: int, label: str | None = None, emoji: str | None = None, *, disabled: bool = False
    ) -> None:
        super().__init__(
            ui.Button(label=label, emoji=emoji, disabled=disabled, custom_id=f"vidu-videos:{page}")
        )
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button anew from its id."""
        return cls(presses.number_in(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tell the cogs."""
        presses.take(interaction)
        interaction.client.dispatch("page_button", interaction, self.page)


def buttons(job: Job) -> list[CardButton]:
    """Return the buttons that make sense in this state."""
    if job.state in CANCELLABLE:
        return [CardButton(CardAction.CANCEL, job.id)]
    if job.state in {State.PROCESSING, State.SUCCEEDED, State.OVERDUE, State.UNCONFIRMED}:
        return []  # nothing can be stopped any more, and nothing is finished yet
    return [CardButton(press, job.id) for press in (CardAction.AGAIN, CardAction.EDIT, CardAction.DELETE)]

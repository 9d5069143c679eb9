"""What a message of a server's log looks like."""

from __future__ import annotations

from discord import ui

from bot.ui.buttons import card_button, stateless
from bot.ui.cards import AMBER, GREY
from bot.ui.custom_ids import CardAction


def log_card(text: str, *, reported: int | None = None) -> ui.LayoutView:
    """Build a message; with a button that removes the video of a reported job."""
    parts: list[ui.Item[ui.LayoutView]] = [ui.TextDisplay(text)]
    if reported is not None:
        parts.append(ui.ActionRow(card_button(CardAction.DELETE_VIDEO, reported)))
    view = ui.LayoutView(timeout=None)
    view.add_item(ui.Container(*parts, accent_colour=GREY if reported is None else AMBER))
    return stateless(view)

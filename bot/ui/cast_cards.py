"""Saved references as their owner and those who may use them see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import discord
from discord import ui

from bot.models.cast import OthersUse, SavedReference
from bot.ui.buttons import cast_pages, stateless
from bot.ui.cards import BLUE
from bot.ui.texts import cast_list as texts
from bot.ui.translator import _

PAGE = 5  # references; each brings a file with it, and a message has ten [Discord]


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at references, and in which server; None stands for everywhere else."""

    user_id: int
    guild_id: int | None


def reference_list(
    references: Sequence[SavedReference],
    viewer: Viewer,
    page: int,
    pages: int,
    *,
    uses: Mapping[int, Sequence[OthersUse]],
    files: Mapping[int, str],
    room: str,
) -> ui.LayoutView:
    """Build a page of references; `files` are the names of their attached pictures, `room` what is left."""
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=BLUE)
    container.add_item(ui.TextDisplay(texts.list_title(page, pages, empty=not references)))
    for reference in references:
        text = texts.entry(reference, viewer.user_id, viewer.guild_id, uses.get(reference.id, ()))
        name = files.get(reference.id)
        container.add_item(ui.TextDisplay(text) if name is None else _section(text, name))
    if pages > 1:
        container.add_item(ui.Separator())
        container.add_item(cast_pages(page, pages))
    container.add_item(ui.Separator())
    container.add_item(ui.TextDisplay(room))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return stateless(view)


def reference_card(head: str, text: str, files: Sequence[str]) -> ui.LayoutView:
    """Build a card of one reference with its attached pictures."""
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=BLUE)
    container.add_item(ui.TextDisplay(head))
    if files:
        pictures = [discord.MediaGalleryItem(f"attachment://{name}") for name in files]
        container.add_item(ui.MediaGallery(*pictures))
    if text:
        container.add_item(ui.TextDisplay(text))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return stateless(view)


def _section(text: str, file_name: str) -> ui.Section[ui.LayoutView]:
    picture = ui.Thumbnail[ui.LayoutView](f"attachment://{file_name}", description=_("First picture"))
    return ui.Section(text, accessory=picture)

"""How buttons look. What a click does, the extensions know; a button only carries its id there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import discord
from discord import ui

from bot.models.cast import Sharing
from bot.models.jobs import Job
from bot.models.remedies import Remedy
from bot.models.states import State
from bot.ui.custom_ids import (
    CardAction,
    Consent,
    ModerationList,
    PrivacyAction,
    card_button_id,
    cast_page_id,
    consent_button_id,
    draft_button_id,
    moderation_page_id,
    page_button_id,
    privacy_button_id,
)
from bot.ui.translator import N_, _

_LOOKS: dict[CardAction, tuple[str, str, discord.ButtonStyle]] = {
    CardAction.CANCEL: (N_("Cancel"), "🛑", discord.ButtonStyle.secondary),
    CardAction.AGAIN: (N_("Again"), "🔁", discord.ButtonStyle.primary),
    CardAction.EDIT: (N_("Edit"), "✏️", discord.ButtonStyle.secondary),
    CardAction.CONTINUE: (N_("Continue"), "⏭️", discord.ButtonStyle.secondary),
    CardAction.SHOW: (N_("Show"), "👁️", discord.ButtonStyle.secondary),
    CardAction.DELETE: (N_("Delete"), "🗑️", discord.ButtonStyle.secondary),
    CardAction.DELETE_VIDEO: (N_("Delete"), "🗑️", discord.ButtonStyle.secondary),
    CardAction.CONFIRM_DELETE: (N_("Delete"), "🗑️", discord.ButtonStyle.danger),
    CardAction.KEEP: (N_("Keep"), "↩️", discord.ButtonStyle.secondary),
}

CANCELLABLE = {State.SUBMITTING, State.QUEUED}  # what is being made is paid for: it is left alone

AnyView = TypeVar("AnyView", ui.View, ui.LayoutView)


def stateless(view: AnyView) -> AnyView:
    """Let discord.py keep nothing of a view: clicks on its buttons are recognized by their ids alone.

    Otherwise every open card would hold its view in memory, for as long as the process lives.
    """
    view.stop()
    return view


def card_button(action: CardAction, job_id: int) -> ui.Button[Any]:
    """Return a button of one job's card."""
    label, emoji, style = _LOOKS[action]
    return ui.Button(label=_(label), emoji=emoji, style=style, custom_id=card_button_id(action, job_id))


def buttons(job: Job) -> list[ui.Button[Any]]:
    """Return the buttons that make sense in this state."""
    if job.state in CANCELLABLE:
        return [card_button(CardAction.CANCEL, job.id)]
    if job.state in {State.PROCESSING, State.SUCCEEDED, State.OVERDUE, State.UNCONFIRMED}:
        return []  # nothing can be stopped any more, and nothing is finished yet
    actions = [CardAction.AGAIN, CardAction.EDIT]
    if job.can_be_continued:
        actions.append(CardAction.CONTINUE)
    return [card_button(action, job.id) for action in (*actions, CardAction.DELETE)]


def delete_question_view(job_id: int) -> ui.View:
    """Return the buttons that answer whether a video is to be deleted."""
    view = ui.View(timeout=None)
    for action in (CardAction.CONFIRM_DELETE, CardAction.KEEP):
        view.add_item(card_button(action, job_id))
    return stateless(view)


def erase_question_view(action: PrivacyAction) -> ui.View:
    """Return the buttons that answer whether data is to be erased."""
    erase_id, keep_id = privacy_button_id(action), privacy_button_id(PrivacyAction.KEEP)
    view = ui.View(timeout=None)
    view.add_item(
        ui.Button(label=_("Erase"), emoji="🗑️", style=discord.ButtonStyle.danger, custom_id=erase_id)
    )
    view.add_item(ui.Button(label=_("Keep"), emoji="↩️", custom_id=keep_id))
    return stateless(view)


def page_buttons(page: int, pages: int, search: str = "") -> ui.ActionRow[Any]:
    """Return the buttons that turn the list of a member's videos to its other pages."""
    return ui.ActionRow(*_page_buttons(page, pages, lambda number: page_button_id(number, search)))


def moderation_pages(which: ModerationList, page: int, pages: int) -> ui.View | None:
    """Return the buttons that turn a moderators' list to its other pages, None where there are no others."""
    if pages == 1:
        return None
    view = ui.View(timeout=None)
    for button in _page_buttons(page, pages, lambda number: moderation_page_id(which, number)):
        view.add_item(button)
    return stateless(view)


def consent_view(reference_id: int, level: Sharing, target_id: int) -> ui.View:
    """Return the answers to the question whether somebody may share a reference with others."""
    yes_id, no_id = (consent_button_id(answer, reference_id, level, target_id) for answer in Consent)
    view = ui.View(timeout=None)
    view.add_item(ui.Button(label=_("Yes, share"), style=discord.ButtonStyle.primary, custom_id=yes_id))
    view.add_item(ui.Button(label=_("No"), custom_id=no_id))
    return stateless(view)


def cast_pages(page: int, pages: int) -> ui.ActionRow[Any]:
    """Return the buttons that turn a list of references to its other pages."""
    row: ui.ActionRow[Any] = ui.ActionRow()
    for label, emoji, number, off in (
        (_("Back"), "◀️", page - 1, page == 1),
        (_("Next"), "▶️", page + 1, page == pages),
    ):
        row.add_item(ui.Button(label=label, emoji=emoji, disabled=off, custom_id=cast_page_id(number)))
    return row


def _page_buttons(page: int, pages: int, id_of: Callable[[int], str]) -> list[ui.Button[Any]]:
    return [
        ui.Button(label=_("Newer"), emoji="◀️", disabled=page == 1, custom_id=id_of(page - 1)),
        ui.Button(label=_("Older"), emoji="▶️", disabled=page == pages, custom_id=id_of(page + 1)),
    ]


_REOPEN = {
    Remedy.CHANGE: (N_("Edit and try again"), "✏️"),
    Remedy.RETRY: (N_("Try again"), "🔁"),
}


def reopen_view(draft_id: int, remedy: Remedy = Remedy.CHANGE) -> ui.View:
    """Return the button that opens a draft again, to be put below a refusal that something helps against."""
    label, emoji = _REOPEN[remedy]
    view = ui.View(timeout=None)
    view.add_item(
        ui.Button(
            label=_(label),
            emoji=emoji,
            style=discord.ButtonStyle.primary,
            custom_id=draft_button_id(draft_id),
        )
    )
    return stateless(view)

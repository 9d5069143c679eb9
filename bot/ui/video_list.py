"""A page of a member's videos, and what is left of their quota."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import discord
from discord import ui

from bot.models.jobs import Job
from bot.models.quotas import QuotaStatus
from bot.models.states import FAILURES, State
from bot.ui.buttons import CANCELLABLE, card_button, page_buttons, stateless
from bot.ui.cards import BLUE
from bot.ui.custom_ids import SEARCH_MAX, CardAction
from bot.ui.formatting import number
from bot.ui.texts import quotas as sentences
from bot.ui.texts.jobs import explanation, heading, quote_prompt, report_code, scene_before
from bot.ui.translator import _

PAGE = 5  # jobs; a message has 40 components [Discord], a job takes up to six, and eight are not of jobs
PROMPT_SHOWN = 80  # characters; escaped they may be twice as many, and a message has 4,000 in all [Discord]

_RUNNING = {State.SUBMITTING, State.QUEUED, State.PROCESSING}
_WITH_VIDEO = {State.SUCCEEDED, State.DELIVERED}


def video_list(
    jobs: Sequence[Job],
    page: int,
    pages: int,
    quota: QuotaStatus,
    *,
    search: str = "",
    thumbnails: Mapping[int, str] | None = None,
) -> ui.LayoutView:
    """Build a page of a member's jobs with their buttons, and their quota below it.

    `search` is what was searched for, `thumbnails` are links to pictures by job.
    """
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=BLUE)
    container.add_item(ui.TextDisplay(_title(page, pages, search, empty=not jobs)))
    for job in jobs:
        container.add_item(_entry(job, (thumbnails or {}).get(job.id)))
        if buttons := _buttons(job):
            container.add_item(ui.ActionRow(*buttons))
    if pages > 1:
        container.add_item(ui.Separator())
        container.add_item(page_buttons(page, pages, search))
    container.add_item(ui.Separator())
    container.add_item(ui.TextDisplay("\n".join([_("### 📊 Your quota"), *sentences.standing_lines(quota)])))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return stateless(view)


def _title(page: int, pages: int, search: str, *, empty: bool) -> str:
    looked_for = quote_prompt(search, SEARCH_MAX)
    if empty and search:
        text = _(
            "### 🎞️ Your videos\nNo prompt of yours has all of these words: **{words}**. "
            "Try fewer words, or use `/videos` without `search`."
        )
        return text.format(words=looked_for)
    if empty:
        return _("### 🎞️ Your videos\nNone yet. Make your first one with `/vidu`.")
    title = _("### 🎞️ Your videos")
    if pages > 1:
        text = _("### 🎞️ Your videos · page {page} of {pages}")
        title = text.format(page=number(page), pages=number(pages))
    if search:
        title += "\n-# " + _("🔎 With these words in the prompt: {words}").format(words=looked_for)
    return title


def _buttons(job: Job) -> list[ui.Button[Any]]:
    """Return what can be done with this job from here."""
    if job.state in _RUNNING:
        # A public card is a click on its link away; a private one may be gone from the screen.
        shown = [CardAction.SHOW] if job.location.private or job.location.guest else []
        cancel = [CardAction.CANCEL] if job.state in CANCELLABLE else []
        actions = [*shown, *cancel]
    elif job.state in _WITH_VIDEO:
        # What it shows has all the others. A private card may be gone from the screen: it is deleted here.
        actions = [CardAction.SHOW] if job.is_open else [CardAction.SHOW, CardAction.DELETE_VIDEO]
    else:
        actions = [] if job.is_open else [CardAction.AGAIN, CardAction.DELETE_VIDEO]
    found = [card_button(action, job.id) for action in actions]
    for button in found:
        button.style = discord.ButtonStyle.secondary  # a list looks back: nothing in it asks to be spent on
    return found


def _entry(job: Job, thumbnail: str | None) -> ui.Item[ui.LayoutView]:
    """Return one job: its prompt; state, when and where; why it did not work; a picture, if it has one."""
    state = f"{heading(job)} · {sentences.when(job.created_at)}"
    if link := job.location.link:
        view = _("View")
        state += f" · [{view}]({link})"
    if job.state in FAILURES:
        state += f" · {report_code(job)}"
    if before := scene_before(job):
        state += f"\n-# {before}"
    why = "" if job.state is State.DELIVERED else explanation(job)
    title = f"**{quote_prompt(job.request.prompt, PROMPT_SHOWN)}**"
    text = "\n".join([title, state, f"-# {why}"] if why else [title, state])
    if thumbnail is None:
        return ui.TextDisplay(text)
    return ui.Section(
        text, accessory=ui.Thumbnail(thumbnail, description=_("First image"), spoiler=job.spoiler)
    )

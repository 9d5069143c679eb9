"""A page of a member's videos, and what is left of their quota."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from discord import ui

from bot.models.jobs import Job
from bot.models.quotas import QuotaStatus
from bot.models.states import State
from bot.ui import quota_texts as sentences
from bot.ui.buttons import CANCELLABLE, card_button, page_buttons, stateless
from bot.ui.cards import BLUE
from bot.ui.custom_ids import CardAction
from bot.ui.formatting import number
from bot.ui.job_texts import explanation, heading, quote_prompt
from bot.ui.translator import _

PAGE = 5  # jobs; a message has 40 components [Discord], a job takes up to five
PROMPT_SHOWN = 150  # characters; a page with its links stays below a message's 4,000

_RUNNING = {State.SUBMITTING, State.QUEUED, State.PROCESSING}
_WITH_VIDEO = {State.SUCCEEDED, State.DELIVERED}


def video_list(jobs: Sequence[Job], page: int, pages: int, quota: QuotaStatus) -> ui.LayoutView:
    """Build a page of a member's jobs with their buttons, and their quota below it."""
    container: ui.Container[ui.LayoutView] = ui.Container(accent_colour=BLUE)
    container.add_item(ui.TextDisplay(_title(page, pages, empty=not jobs)))
    for job in jobs:
        container.add_item(ui.TextDisplay(_entry(job)))
        if buttons := _buttons(job):
            container.add_item(ui.ActionRow(*buttons))
    if pages > 1:
        container.add_item(ui.Separator())
        container.add_item(page_buttons(page, pages))
    container.add_item(ui.Separator())
    container.add_item(ui.TextDisplay("\n".join([_("### 📊 Your quota"), *sentences.standing_lines(quota)])))
    view = ui.LayoutView(timeout=None)
    view.add_item(container)
    return stateless(view)


def _title(page: int, pages: int, *, empty: bool) -> str:
    if empty:
        return _("### 🎞️ Your videos\nNone yet. Make your first one with `/vidu`.")
    if pages == 1:
        return _("### 🎞️ Your videos")
    return _("### 🎞️ Your videos · page {page} of {pages}").format(page=number(page), pages=number(pages))


def _buttons(job: Job) -> list[ui.Button[Any]]:
    """Return what can be done with this job from here."""
    if job.state in _RUNNING:
        # A public card is a click on its link away; a private one may be gone from the screen.
        shown = [CardAction.SHOW] if job.location.private or job.location.guest else []
        cancel = [CardAction.CANCEL] if job.state in CANCELLABLE else []
        actions = [*shown, *cancel]
    elif job.state in _WITH_VIDEO:
        actions = [CardAction.SHOW, CardAction.AGAIN]
    else:
        actions = [] if job.is_open else [CardAction.AGAIN]
    return [card_button(action, job.id) for action in actions]


def _entry(job: Job) -> str:
    """Return one job: state, when and where; why where it did not work; and its prompt."""
    place = job.location.guild_id or "@me"
    first = f"**{heading(job)}** · {sentences.when(job.created_at)}"
    if job.location.message_id is not None and not job.location.private and not job.location.guest:
        link = f"https://discord.com/channels/{place}/{job.location.channel_id}/{job.location.message_id}"
        first += f" · [{_('View')}]({link})"
    why = "" if job.state is State.DELIVERED else explanation(job)
    prompt = f"> {quote_prompt(job.request.prompt, PROMPT_SHOWN)}"
    return "\n".join([first, f"-# {why}", prompt] if why else [first, prompt])

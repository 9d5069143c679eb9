"""The buttons of a card: cancel, again, edit, delete and show; for whom, and what each does."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import discord
from discord import ui

from bot.delivery.routes import Undeliverable
from bot.intake.answers import answer_privately
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction, card_location, time_to_read
from bot.jobs.service import CancelResult
from bot.models.drafts import Draft, Source
from bot.models.jobs import Job
from bot.ui.cards import deleted_card, reference_filename
from bot.ui.custom_ids import CARD_BUTTON, CardAction, number_in

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

MODERATED = {CardAction.CANCEL: "cancel", CardAction.DELETE: "delete"}  # what moderators may do as well
NOT_YOURS_EITHER = "🙂 Only {owner} and moderators can {what} this video."
NOT_YOURS = "🙂 This one is {owner}'s. With `/vidu` you can make your own from the same pictures."
CANCELLED = {
    CancelResult.YES: "🚫 Canceled. This doesn't count towards your quota.",
    CancelResult.SENDING: (
        "📨 It is being sent this very moment. Press again when the card says how it stands."
    ),
    CancelResult.TOO_LATE: "⏳ Too late to cancel: the video is being made and paid for. It will still come.",
    CancelResult.KEPT: "🕓 GMI Cloud did not cancel it. The video will still come.",
    CancelResult.UNSURE: (
        "🕓 GMI Cloud has not said whether it is cancelled. "
        "The card shows how it goes on; if it is still in line in a minute, press again."
    ),
    CancelResult.ENDED: "✅ This one has already ended, there is nothing to cancel.",
}
UNKNOWN = "🤷 I do not remember this video any more. Make a new one with `/vidu`."
NO_REFERENCES = "I could not keep the files of this one: please attach them again."
NOT_SHOWN = "⚠️ Discord did not take it just now. Please press Show again in a minute."
# Edit opens a form, which spends nothing and may be closed by mistake.
ONCE = {CardAction.AGAIN, CardAction.CANCEL, CardAction.DELETE, CardAction.SHOW}


class CardButton(AnsweredButton, template=CARD_BUTTON):
    """A button of one job's card."""

    def __init__(self, item: ui.Item[Any], action: CardAction, job_id: int) -> None:
        super().__init__(item)
        self.action = action
        self.job_id = job_id

    @classmethod
    async def from_custom_id(
        cls, _interaction: Interaction, item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Read from the id what it does, and to which job."""
        return cls(item, CardAction(match["action"]), number_in(match["job"]))

    async def act(self, interaction: Interaction) -> None:
        """Check who clicked what, and do it."""
        bot: ViduBot = interaction.client
        job = await bot.storage.jobs.get(self.job_id)
        if job is None:
            await answer_privately(interaction, UNKNOWN)
        elif not _may(interaction, self.action, job):
            await answer_privately(interaction, _not_yours(self.action, f"<@{job.user_id}>"))
        elif self.action not in ONCE or await bot.intake.is_first(
            interaction, f"{self.action} {self.job_id}"
        ):
            await _ACTS[self.action](bot, interaction, job)


async def _cancel(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    outcome = await bot.job_service.cancel(job.id)
    await interaction.edit_original_response(content=CANCELLED[outcome])


async def _delete(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    view = deleted_card(interaction.user.mention)
    if not bot.job_service.has(job.id):
        await interaction.response.edit_message(view=view, attachments=[])
        return
    # Its file may be on its way to this card just now: whatever is under way ends first.
    await interaction.response.defer()
    async with bot.job_service.deleting(job.id):
        await interaction.edit_original_response(view=view, attachments=[])


async def _again(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Ask for the same once more at once, with a new seed."""
    draft = await _draft(bot, interaction, job, seed="")
    if draft.sources:
        await bot.intake.take(interaction, draft)
    else:
        await bot.intake.open_modal(interaction, draft, NO_REFERENCES)


async def _edit(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Open the form with everything filled in."""
    draft = await _draft(bot, interaction, job, seed=str(job.request.seed))
    await bot.intake.open_modal(interaction, draft, None if draft.sources else NO_REFERENCES)


async def _show(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Show the card once more, to its member only; the click brought a fresh token."""
    answer = await interaction.response.defer(ephemeral=True, thinking=True)
    location = card_location(interaction, bot.clock.now(), private=True)
    location = replace(location, message_id=answer.message_id if answer is not None else None)
    try:
        await bot.job_service.move_card(job, location)
    except Undeliverable as error:
        log.warning("Not shown: %s", error)
        await answer_privately(interaction, NOT_SHOWN)


_ACTS = {
    CardAction.CANCEL: _cancel,
    CardAction.AGAIN: _again,
    CardAction.EDIT: _edit,
    CardAction.DELETE: _delete,
    CardAction.SHOW: _show,
}


async def _draft(bot: ViduBot, interaction: Interaction, job: Job, seed: str) -> Draft:
    return Draft(
        interaction.id,
        interaction.user.id,
        job.request.prompt,
        await _kept_files(bot, interaction, job),
        duration=job.request.duration,
        seed=seed,
        private=job.location.private,
        spoiler=job.spoiler,
    )


async def _kept_files(bot: ViduBot, interaction: Interaction, job: Job) -> tuple[Source, ...]:
    """Return the references that the card has kept, with fresh links, or nothing if one is missing."""
    assert interaction.message is not None, "a button is part of a message"
    sources = _sources(job, interaction.message.attachments)
    if not sources and job.location.keeps_references:
        with contextlib.suppress(TimeoutError):
            async with time_to_read(interaction):
                sources = _sources(job, await bot.delivery.references(job))
    return sources


def _may(interaction: Interaction, action: CardAction, job: Job) -> bool:
    if interaction.user.id == job.user_id:
        return True
    return action in MODERATED and interaction.permissions.moderate_members


def _not_yours(action: CardAction, owner: str) -> str:
    if action in MODERATED:
        return NOT_YOURS_EITHER.format(owner=owner, what=MODERATED[action])
    return NOT_YOURS.format(owner=owner)


def _sources(job: Job, attachments: Sequence[discord.Attachment]) -> tuple[Source, ...]:
    by_name = {attachment.filename: attachment for attachment in attachments}
    sources = []
    for position, reference in enumerate(job.request.references, start=1):
        attachment = by_name.get(reference_filename(position, reference))
        if attachment is None:
            return ()
        # The links on the card's message are fresh, those of the command have long died; its names stay.
        sources.append(Source(reference.name, attachment.url, attachment.size, reference.kind))
    return tuple(sources)


async def setup(bot: ViduBot) -> None:
    """Add the buttons; called by `load_extension`."""
    bot.add_dynamic_items(CardButton)

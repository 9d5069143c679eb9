"""The buttons of a card: cancel, again, edit, delete and show; for whom, and what each does."""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from discord import ui

from bot.delivery.routes import Undeliverable
from bot.intake.answers import answer_privately
from bot.intake.attachments import sources_on_card
from bot.intake.buttons import AnsweredButton
from bot.intake.context import Interaction, card_location, time_to_read
from bot.jobs.service import CancelResult
from bot.models.drafts import Draft, Source
from bot.models.jobs import Job
from bot.ui import answer_texts as texts
from bot.ui.cards import deleted_card
from bot.ui.custom_ids import CARD_BUTTON, CardAction, number_in

if TYPE_CHECKING:
    from bot.client import ViduBot

log = logging.getLogger(__name__)

MODERATED = {  # what moderators may do as well, and what others read who may not
    CardAction.CANCEL: texts.may_not_cancel,
    CardAction.DELETE: texts.may_not_delete,
}
# These bring or end what was asked for already: a video that was paid for reaches its member, also where the
# operator doesn't allow the bot any more.
EVERYWHERE = {CardAction.CANCEL, CardAction.DELETE, CardAction.SHOW}
# Edit opens a form, which spends nothing and may be closed by mistake.
ONCE = {CardAction.AGAIN, CardAction.CANCEL, CardAction.DELETE, CardAction.SHOW}
CANCEL_ANSWERS = {
    CancelResult.YES: texts.canceled,
    CancelResult.SENDING: texts.cancel_while_sending,
    CancelResult.TOO_LATE: texts.cancel_too_late,
    CancelResult.KEPT: texts.cancel_not_agreed,
    CancelResult.UNSURE: texts.cancel_unsure,
    CancelResult.ENDED: texts.already_ended,
}


class CardButton(AnsweredButton, template=CARD_BUTTON):
    """A button of one job's card."""

    def __init__(self, item: ui.Item[Any], action: CardAction, job_id: int) -> None:
        super().__init__(item)
        self.action = action
        self.job_id = job_id
        self.everywhere = action in EVERYWHERE

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
            await answer_privately(interaction, texts.job_unknown())
        elif not _may(interaction, self.action, job):
            refusal = MODERATED.get(self.action, texts.job_of_another)
            await answer_privately(interaction, refusal(f"<@{job.user_id}>"))
        elif self.action not in ONCE or await bot.intake.is_first(
            interaction, f"{self.action} {self.job_id}"
        ):
            await _ACTS[self.action](bot, interaction, job)


async def _cancel(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    result = await bot.job_service.cancel(job.id)
    await interaction.edit_original_response(content=CANCEL_ANSWERS[result]())


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
        await bot.intake.open_modal(interaction, draft, texts.files_not_kept())


async def _edit(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Open the form with everything filled in."""
    draft = await _draft(bot, interaction, job, seed=str(job.request.seed))
    await bot.intake.open_modal(interaction, draft, None if draft.sources else texts.files_not_kept())


async def _show(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Show the card once more, to its member only; the click brought a fresh token."""
    answer = await interaction.response.defer(ephemeral=True, thinking=True)
    location = card_location(interaction, bot.clock.now(), private=True)
    location = replace(location, message_id=answer.message_id if answer is not None else None)
    try:
        await bot.job_service.move_card(job, location)
    except Undeliverable as error:
        log.warning("Not shown: %s", error)
        await answer_privately(interaction, texts.not_shown())


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
    sources = sources_on_card(job, interaction.message.attachments)
    if not sources and job.location.keeps_references:
        with contextlib.suppress(TimeoutError):
            async with time_to_read(interaction):
                sources = sources_on_card(job, await bot.delivery.references(job))
    return sources


def _may(interaction: Interaction, action: CardAction, job: Job) -> bool:
    if interaction.user.id == job.user_id:
        return True
    return action in MODERATED and interaction.permissions.moderate_members


async def setup(bot: ViduBot) -> None:
    """Add the buttons; called by `load_extension`."""
    bot.add_dynamic_items(CardButton)

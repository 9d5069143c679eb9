"""The buttons of a card and of its questions; for whom, and what each does."""

from __future__ import annotations

import contextlib
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from discord import ui

from bot.delivery.routes import Undeliverable
from bot.intake.answers import answer_privately
from bot.intake.attachments import sources_on_card, video_on_card
from bot.intake.buttons import AnsweredButton
from bot.intake.cast_choice import typed_again
from bot.intake.context import TOKEN_LIFE, Interaction, card_location, quota_guild_id, time_to_read
from bot.jobs.cancellation import CancelResult
from bot.jobs.deletion import DeleteResult
from bot.jobs.processes.relay import OwnerUnheard
from bot.models.catalog import Kind
from bot.models.continuations import Continuation, carried_over
from bot.models.drafts import Draft, Source
from bot.models.jobs import Job
from bot.telemetry.job_lines import ids_of, job_lines
from bot.ui.buttons import delete_question_view
from bot.ui.cards import deleted_card, not_yet_shown_card, removed_copy_card
from bot.ui.custom_ids import CARD_BUTTON, CardAction, number_in
from bot.ui.texts import answers as texts
from bot.ui.texts.privacy import job_erased
from bot.ui.translator import speaking

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

log = logging.getLogger(__name__)

MODERATED = {  # what moderators may do as well, and what others read who may not
    CardAction.CANCEL: texts.may_not_cancel,
    CardAction.DELETE: texts.may_not_delete,
    CardAction.DELETE_VIDEO: texts.may_not_delete,
    CardAction.CONFIRM_DELETE: texts.may_not_delete,
}
# These bring or end what was asked for already: a video that was paid for reaches its member, also where the
# operator doesn't allow the bot any more.
EVERYWHERE = {
    CardAction.CANCEL,
    CardAction.DELETE,
    CardAction.DELETE_VIDEO,
    CardAction.CONFIRM_DELETE,
    CardAction.KEEP,
    CardAction.SHOW,
}
# What others do with the prompt, the files and the video of a public card.
REMIXED = {CardAction.AGAIN, CardAction.EDIT, CardAction.CONTINUE}
# Edit opens a form, which spends nothing and may be closed by mistake; Delete only asks.
ONCE = {CardAction.AGAIN, CardAction.CANCEL, CardAction.CONFIRM_DELETE, CardAction.SHOW}
CANCEL_ANSWERS = {
    CancelResult.YES: texts.canceled,
    CancelResult.SENDING: texts.cancel_while_sending,
    CancelResult.TOO_LATE: texts.cancel_too_late,
    CancelResult.KEPT: texts.cancel_not_agreed,
    CancelResult.UNSURE: texts.cancel_unsure,
    CancelResult.ENDED: texts.already_ended,
    CancelResult.ELSEWHERE: texts.cancel_on_its_card,
}
DELETE_ANSWERS = {
    DeleteResult.YES: texts.deleted,
    DeleteResult.CARD_STAYS: texts.deleted_but_card,
    DeleteResult.OUT_OF_REACH: texts.deleted_out_of_reach,
    DeleteResult.RUNNING: texts.delete_too_early,
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
        elif job.deleted_at is not None:
            await _answer_deleted(interaction, self.action, job)
        elif _may_remix(interaction, self.action, job):
            await _remix(bot, interaction, job, self.action)
        elif not _may(interaction, self.action, job):
            refusal = MODERATED.get(self.action, texts.job_of_another)
            await answer_privately(interaction, refusal(f"<@{job.user_id}>"))
        elif self.action not in ONCE or await bot.intake.is_first(
            interaction, f"{self.action} {self.job_id}"
        ):
            await _ACTS[self.action](bot, interaction, job)


async def _cancel(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    result = await bot.job_actions.cancel(job, interaction.user.id)
    answer = CANCEL_ANSWERS[result](_other_owner(interaction, job))
    await interaction.edit_original_response(content=answer)


async def _delete(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Ask whether to delete the video; of a copy, remove only that."""
    assert interaction.message is not None, "a button is part of a message"
    if interaction.message.id != job.location.message_id:
        await interaction.response.edit_message(view=removed_copy_card(), attachments=[])
        return
    # Not answered by a message of its own, so that the token stays one of the card's: nothing else may
    # reach a private card.
    await interaction.response.defer()
    await bot.job_actions.renew_token(job, interaction.token, bot.clock.now() + TOKEN_LIFE)
    await _ask_whether_to_delete(bot, interaction, job)


async def _ask_whether_to_delete(_bot: ViduBot, interaction: Interaction, job: Job) -> None:
    if job.is_open:
        await answer_privately(interaction, texts.delete_too_early())
        return
    question = texts.delete_question(_other_owner(interaction, job), video=bool(job.results))
    await answer_privately(interaction, question, view=delete_question_view(job.id))


async def _confirm_delete(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    await interaction.response.defer()
    result = await bot.job_actions.delete(job)
    await interaction.edit_original_response(content=DELETE_ANSWERS[result](), view=None)


async def _keep(_bot: ViduBot, interaction: Interaction, _job: Job) -> None:
    await interaction.response.edit_message(content=texts.kept(), view=None)


async def _answer_deleted(interaction: Interaction, action: CardAction, job: Job) -> None:
    """Say that a video was deleted, or its data erased; what still shows it to its member goes."""
    text = job_erased() if job.erased else texts.job_deleted()
    if action in {CardAction.CONFIRM_DELETE, CardAction.KEEP}:
        await interaction.response.edit_message(content=text, view=None)
    elif action is CardAction.DELETE and _may(interaction, action, job):
        with speaking(job.location.language):
            shown = deleted_card()
        await interaction.response.edit_message(view=shown, attachments=[])
    else:
        await answer_privately(interaction, text)


async def _again(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Ask for the same once more at once, with a new seed."""
    draft = await _draft(bot, interaction, job, seed="")
    if draft.sources or _is_all_cast(job):
        await bot.intake.take(interaction, draft)
    else:
        await bot.forms.open(interaction, draft, texts.files_not_kept())


async def _edit(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Open the form with everything filled in."""
    draft = await _draft(bot, interaction, job, seed=str(job.request.seed))
    about_files = None if draft.sources or _is_all_cast(job) else texts.files_not_kept()
    await bot.forms.open(interaction, draft, about_files)


def _is_all_cast(job: Job) -> bool:
    """Tell whether a video had saved references and no files: these need no card that keeps them."""
    return bool(job.request.cast) and not job.request.references


async def _remix(bot: ViduBot, interaction: Interaction, job: Job, action: CardAction) -> None:
    """Open the form of somebody else's video: what comes of it belongs to whoever clicked."""
    if action is CardAction.CONTINUE:
        await _continue(bot, interaction, job, remix=True)
        return
    seed = str(job.request.seed) if action is CardAction.EDIT else ""
    draft = replace(await _draft(bot, interaction, job, seed), remix=True)
    about_files = None if draft.sources or _is_all_cast(job) else texts.files_of_another()
    await bot.forms.open(interaction, draft, about_files)


async def _continue(bot: ViduBot, interaction: Interaction, job: Job, *, remix: bool = False) -> None:
    """Open the form of the next scene: the video becomes its clip, and what fits of its images stays."""
    assert interaction.message is not None, "a button is part of a message"
    draft = replace(await _draft(bot, interaction, job, seed=""), prompt="", remix=remix)
    clip = video_on_card(job, interaction.message.attachments)
    if clip is None:  # it plays from the provider's link, which nobody may be sent to from here
        await bot.forms.open(interaction, replace(draft, sources=()), texts.video_not_kept())
        return
    usable = await bot.cast_choice.images_of(
        job.request.cast, interaction.user.id, quota_guild_id(interaction)
    )
    pictures = [source for source in draft.sources if source.likely_kind is Kind.IMAGE]
    kept, room = carried_over([images for _, images in usable], len(pictures))
    draft = replace(
        draft,
        sources=(clip, *pictures[:room]),
        cast=typed_again([usable[position][0] for position in kept]),
        continues=Continuation(job.id, job.scene + 1, job.location.link),
    )
    await bot.forms.open(interaction, draft)


async def _show(bot: ViduBot, interaction: Interaction, job: Job) -> None:
    """Show the card once more, to its member only; the click brought a fresh token."""
    answer = await interaction.response.defer(ephemeral=True, thinking=True)
    location = card_location(interaction, bot.clock.now(), private=True)
    location = replace(location, message_id=answer.message_id if answer is not None else None)
    try:
        await bot.job_actions.move_card(job, location)
    except OwnerUnheard:
        # Not by a message that takes the place of the placeholder: the card may still appear there.
        await interaction.edit_original_response(view=not_yet_shown_card())
    except Undeliverable as error:
        with job_lines(lambda: ids_of(job)):
            log.warning("Not shown: %s", error)
        await answer_privately(interaction, texts.not_shown())


_ACTS = {
    CardAction.CANCEL: _cancel,
    CardAction.AGAIN: _again,
    CardAction.EDIT: _edit,
    CardAction.CONTINUE: _continue,
    CardAction.DELETE: _delete,
    CardAction.SHOW: _show,
    CardAction.DELETE_VIDEO: _ask_whether_to_delete,
    CardAction.CONFIRM_DELETE: _confirm_delete,
    CardAction.KEEP: _keep,
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
        cast=typed_again(job.request.cast),
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


def _other_owner(interaction: Interaction, job: Job) -> str | None:
    """Return whose job it is where somebody else clicked."""
    return None if interaction.user.id == job.user_id else f"<@{job.user_id}>"


def _may(interaction: Interaction, action: CardAction, job: Job) -> bool:
    if interaction.user.id == job.user_id or action is CardAction.KEEP:
        return True
    return action in MODERATED and interaction.permissions.moderate_members


def _may_remix(interaction: Interaction, action: CardAction, job: Job) -> bool:
    """Tell whether a click asks for a remix: of what everybody here can see, on the card itself."""
    assert interaction.message is not None, "a button is part of a message"
    return (
        action in REMIXED
        and interaction.user.id != job.user_id
        and not job.location.private
        and interaction.message.id == job.location.message_id
    )


async def setup(bot: ViduBot) -> None:
    """Add the buttons; called by `load_extension`."""
    bot.add_dynamic_items(CardButton)

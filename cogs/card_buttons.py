"""What the buttons of a card do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.delivery.routes import Undeliverable
from bot.intake.answers import answer_failed, answer_privately
from bot.intake.context import await_answer, is_first, time_to_read
from bot.intake.intake import Intake
from bot.intake.repeats import RecentPresses
from bot.jobs.service import CancelResult
from bot.models.drafts import Draft, Source
from bot.models.jobs import Job
from bot.ui.buttons import CardAction
from bot.ui.cards import deleted_card, reference_filename

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
# Edit opens a window, which spends nothing and may be closed by mistake.
ONCE = {CardAction.AGAIN, CardAction.CANCEL, CardAction.DELETE, CardAction.SHOW}


class Buttons(commands.Cog):
    """Answers the presses on cards."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        self.intake = Intake(bot)
        self.presses = RecentPresses()

    @commands.Cog.listener()
    async def on_card_button(
        self, interaction: discord.Interaction[ViduBot], press: CardAction, job_id: int
    ) -> None:
        """Check who pressed what, and do it."""
        await_answer(interaction)
        try:
            job = await self.bot.storage.jobs.get(job_id)
            if job is None:
                await answer_privately(interaction, UNKNOWN)
            elif not _may(interaction, press, job):
                await answer_privately(interaction, _not_yours(press, f"<@{job.user_id}>"))
            elif press not in ONCE or await is_first(interaction, self.presses, f"{press} {job_id}"):
                await self._do(interaction, press, job)
        except Exception as error:
            await answer_failed(interaction, f"the button {press}", error)

    async def _do(self, interaction: discord.Interaction[Any], press: CardAction, job: Job) -> None:
        match press:
            case CardAction.CANCEL:
                await interaction.response.defer(ephemeral=True, thinking=True)
                outcome = await self.bot.job_service.cancel(job.id)
                await interaction.edit_original_response(content=CANCELLED[outcome])
            case CardAction.DELETE:
                await self._delete(interaction, job)
            case CardAction.SHOW:
                await self._show(interaction, job)
            case CardAction.AGAIN | CardAction.EDIT:
                await self._repeat(interaction, job, edit=press is CardAction.EDIT)

    async def _delete(self, interaction: discord.Interaction[Any], job: Job) -> None:
        view = deleted_card(interaction.user.mention)
        if not self.bot.job_service.has(job.id):
            await interaction.response.edit_message(view=view, attachments=[])
            return
        # Its file may be on its way to this card just now: whatever is under way ends first.
        await interaction.response.defer()
        async with self.bot.job_service.deleting(job.id):
            await interaction.edit_original_response(view=view, attachments=[])

    async def _repeat(self, interaction: discord.Interaction[Any], job: Job, *, edit: bool) -> None:
        """Ask for the same once more: with a new seed at once, or in the window with everything filled in."""
        sources = await self._kept(interaction, job)
        draft = Draft(
            interaction.id,
            interaction.user.id,
            job.request.prompt,
            sources,
            duration=job.request.duration,
            seed=str(job.request.seed) if edit else "",
            private=job.location.private,
            spoiler=job.spoiler,
        )
        if edit or not sources:
            await self.intake.open_window(interaction, draft, None if sources else NO_REFERENCES)
        else:
            await self.intake.take(interaction, draft)

    async def _kept(self, interaction: discord.Interaction[Any], job: Job) -> tuple[Source, ...]:
        """Return the references that the card has kept, with fresh links, or nothing if one is missing."""
        assert interaction.message is not None, "a button is part of a message"
        sources = _sources(job, interaction.message.attachments)
        if not sources and job.location.keeps_references:
            with contextlib.suppress(TimeoutError):
                async with time_to_read(interaction):
                    sources = _sources(job, await self.bot.delivery.references(job))
        return sources

    async def _show(self, interaction: discord.Interaction[Any], job: Job) -> None:
        """Show the card once more, to its member only; the press brought a fresh token."""
        answer = await interaction.response.defer(ephemeral=True, thinking=True)
        location = self.intake.location(interaction, private=True)
        location = replace(location, message_id=answer.message_id if answer is not None else None)
        try:
            await self.bot.job_service.move_card(job, location)
        except Undeliverable as error:
            log.warning("Not shown: %s", error)
            await answer_privately(interaction, NOT_SHOWN)


def _may(interaction: discord.Interaction[Any], press: CardAction, job: Job) -> bool:
    if interaction.user.id == job.user_id:
        return True
    return press in MODERATED and interaction.permissions.moderate_members


def _not_yours(press: CardAction, owner: str) -> str:
    if press in MODERATED:
        return NOT_YOURS_EITHER.format(owner=owner, what=MODERATED[press])
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
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Buttons(bot))

"""What the buttons of a card do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from bot.buttons import Press
from bot.cards import PROMPT_SHOWN, farewell, quote_prompt, reference_filename
from bot.jobs import Job
from bot.request import VideoRequest, random_seed
from bot.runner import Cancelled
from cogs import sentences
from cogs.errors import answer_failed, answer_privately
from cogs.intake import Given, Intake

if TYPE_CHECKING:
    from bot.client import ViduBot

NOT_YOURS = {
    Press.CANCEL: "🙂 Only {owner} and moderators can cancel this video.",
    Press.DELETE: "🙂 Only {owner} and moderators can delete this video.",
    Press.AGAIN: "🙂 This one is {owner}'s. With `/vidu` you can make your own from the same pictures.",
}
CANCELLED = {
    Cancelled.YES: "🚫 Cancelled. Your quota has it back.",
    Cancelled.SENDING: "📨 It is being sent this very moment. Press again when the card says how it stands.",
    Cancelled.TOO_LATE: "⏳ Too late to cancel: the video is being made and paid for. It will still come.",
    Cancelled.ENDED: "✅ This one has already ended, there is nothing to cancel.",
}
UNKNOWN = "🤷 I do not remember this video any more. Make a new one with `/vidu`."
NO_REFERENCES = (
    "📎 I could not keep the pictures of this one on its card. Attach them again with `/vidu`; "
    "the prompt was:\n> {prompt}"
)


class Buttons(commands.Cog):
    """Answers the presses on cards."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot
        self.intake = Intake(bot)

    @commands.Cog.listener()
    async def on_card_button(
        self, interaction: discord.Interaction[ViduBot], press: Press, job_id: int
    ) -> None:
        """Check who pressed what, and do it."""
        try:
            job = await self.bot.ledger.job(job_id)
            if job is None:
                await answer_privately(interaction, UNKNOWN)
            elif not _may(interaction, press, job):
                await answer_privately(interaction, NOT_YOURS[press].format(owner=f"<@{job.user_id}>"))
            elif press is Press.CANCEL:
                await self._cancel(interaction, job)
            elif press is Press.DELETE:
                await interaction.response.edit_message(
                    view=farewell(interaction.user.mention), attachments=[]
                )
            else:
                await self._again(interaction, job)
        except Exception as error:
            await answer_failed(interaction, f"the button {press}", error)

    async def _cancel(self, interaction: discord.Interaction[Any], job: Job) -> None:
        await interaction.response.defer(ephemeral=True, thinking=True)
        outcome = await self.bot.runner.cancel(job.id)
        await interaction.edit_original_response(content=CANCELLED[outcome])

    async def _again(self, interaction: discord.Interaction[Any], job: Job) -> None:
        """Start the same request with a new seed, from the references that the card has kept."""
        kept = _kept(interaction, job)
        if kept is None:
            prompt = quote_prompt(job.request.prompt, PROMPT_SHOWN)
            await answer_privately(interaction, NO_REFERENCES.format(prompt=prompt))
            return
        if not await self.intake.check_quota(interaction, job.request.duration):
            return
        async with self.intake.placeholder(interaction, private=job.address.private) as address:
            examined = await self.intake.examine(kept)
            if examined.faults:
                await answer_privately(interaction, sentences.faults(examined.faults))
                return
            # The links on the card's message are fresh, those of the command have long died; its names stay.
            references = tuple(
                replace(reference, name=old.name)
                for reference, old in zip(examined.references, job.request.references, strict=True)
            )
            request = VideoRequest(job.request.prompt, references, job.request.duration, random_seed())
            await self.intake.place(interaction, request, examined.contents, address)


def _may(interaction: discord.Interaction[Any], press: Press, job: Job) -> bool:
    if interaction.user.id == job.user_id:
        return True
    return press is not Press.AGAIN and interaction.permissions.moderate_members


def _kept(interaction: discord.Interaction[Any], job: Job) -> list[Given] | None:
    """Return the references that the card has kept, or None if one is missing."""
    assert interaction.message is not None, "a button is part of a message"
    by_name = {attachment.filename: attachment for attachment in interaction.message.attachments}
    given = []
    for position, reference in enumerate(job.request.references, start=1):
        attachment = by_name.get(reference_filename(position, reference))
        if attachment is None:
            return None
        given.append(Given(attachment, reference.kind))
    return given


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Buttons(bot))

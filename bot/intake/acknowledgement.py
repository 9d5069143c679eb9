"""The placeholder that a member sees while their files are read, and what remembers it over any crash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.intake.answers import answer_failed
from bot.intake.context import Interaction
from bot.jobs.service import JobService
from bot.models.jobs import CardLocation, PendingReply


@asynccontextmanager
async def acknowledged(
    interaction: Interaction, jobs: JobService, location: CardLocation
) -> AsyncIterator[CardLocation]:
    """Show a placeholder, remember that it waits for an answer, and give where it is."""

    def pending() -> PendingReply:
        return PendingReply(interaction.id, interaction.user.id, location)

    # Written before the placeholder shows, so that after a crash nobody looks at it for ever. Where the
    # disk takes too long for Discord's 3 s, the member reads that instead, and nobody else sees anything.
    await jobs.add_pending_reply(pending())
    try:
        answer = await interaction.response.defer(ephemeral=location.private, thinking=True)
        location = replace(location, message_id=answer.message_id if answer is not None else None)
        # With the message's id it can be answered even after the token's life.
        await jobs.add_pending_reply(pending())
        yield location
    except Exception as error:
        # Forgotten only once the failure is answered: a crash in between would leave a placeholder for ever.
        # A cancellation is not answered: then the process ends, and the next one answers.
        await answer_failed(interaction, f"The request {interaction.id}", error)
        await jobs.remove_pending_reply(interaction.id)
        raise
    if not jobs.has(interaction.id):
        await jobs.remove_pending_reply(interaction.id)

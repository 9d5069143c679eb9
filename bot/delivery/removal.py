"""Remove a card for good: its whole message where that works, otherwise what it shows."""

from __future__ import annotations

import logging

import discord

from bot.delivery.messages import Content
from bot.delivery.routes import UNSURE, Gone, Routes, Undeliverable
from bot.models.jobs import Job
from bot.ui.cards import deleted_card

log = logging.getLogger(__name__)


async def remove_card(routes: Routes, job: Job) -> bool:
    """Delete the message of a job's card, or leave a short card without files.

    False where nothing reaches it any more, although somebody may still see it. Raises Undeliverable where
    another attempt may help.
    """
    if job.location.guest and not routes.token_lives(job):
        return False
    if job.location.message_id is None or await _delete(routes, job):
        return True
    try:
        edits = routes.edits(job)
        await routes.try_routes(job, lambda _: Content(job.location, deleted_card(), bare=True), edits)
    except Gone:
        # Without a token the bot finds no ephemeral message, and its member may still look at it.
        return not job.location.private
    return True


async def _delete(routes: Routes, job: Job) -> bool:
    """Tell whether the message was deleted."""
    # What only its member sees is no message of the channel, unless it is one of their direct messages.
    for by_token in [True, False] if routes.token_lives(job) else [False]:
        try:
            await routes.messages.delete(job, by_token=by_token)
        except UNSURE as error:
            raise Undeliverable(f"the card of job {job.id} is unsure ({type(error).__name__})") from None
        except discord.HTTPException as error:
            routes.is_gone(job, error)  # notes a dead token
            log.info("Job %s: its card was not deleted (%s, %s)", job.id, error.status, error.code)
        else:
            return True
    return False

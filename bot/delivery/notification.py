"""Notify a member who had to wait: an edit of a card does not."""

from __future__ import annotations

import logging

import discord

from bot.delivery.routes import UNSURE, Routes
from bot.models.jobs import Job
from bot.ui.texts.jobs import notification
from bot.ui.translator import speaking

log = logging.getLogger(__name__)


async def notify_owner(routes: Routes, job: Job) -> None:
    """Reply to the card so that its owner, and nobody else, is notified."""
    allowed = discord.AllowedMentions(
        everyone=False, roles=False, replied_user=False, users=[discord.Object(job.user_id)]
    )
    with speaking(job.location.language):
        text = notification(job)
    try:
        if job.location.guest:
            await _follow_up(routes, job, text, allowed)
        else:
            await _reply(routes, job, text, allowed)
    except (discord.HTTPException, *UNSURE) as error:
        # The card says it all the same; a second attempt could notify twice.
        log.info("Job %s: its owner could not be notified (%s)", job.id, type(error).__name__)


async def _follow_up(routes: Routes, job: Job, text: str, allowed: discord.AllowedMentions) -> None:
    """Notify where the bot is a guest: Discord allows it five follow-ups, this is the only one."""
    if routes.token_lives(job) and job.location.token:
        await routes.messages.webhook(job.location.token).send(text, allowed_mentions=allowed)


async def _reply(routes: Routes, job: Job, text: str, allowed: discord.AllowedMentions) -> None:
    channel = routes.messages.channel(job)
    card_message = channel.get_partial_message(job.location.message_id or 0)
    await channel.send(
        text,
        reference=card_message.to_reference(fail_if_not_exists=False),
        allowed_mentions=allowed,
        nonce=f"{job.id}-n",
    )

"""What nobody else answers: clicks and forms that belong to nothing, and what Discord sent unreadably."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
import discord
from discord.ext import commands
from discord.http import Route

from bot.intake.answers import answer_privately, failures_answered
from bot.intake.buttons import is_recognized
from bot.intake.context import Interaction
from bot.intake.modal_answers import custom_id_of
from bot.models.languages import language_of
from bot.ui.custom_ids import is_cast_modal, is_modal
from bot.ui.texts import answers as texts
from bot.ui.translator import speaking

if TYPE_CHECKING:
    from bot.client.bot import ViduBot

log = logging.getLogger(__name__)


class Fallbacks(commands.Cog):
    """Answers what would otherwise end in silence."""

    def __init__(self, bot: ViduBot) -> None:
        self.bot = bot

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Interaction) -> None:
        """Answer a click or a form that nobody takes: discord.py drops what it doesn't recognize.

        discord.py has called the buttons that it does recognize before this.
        """
        match interaction.type:
            case discord.InteractionType.component:
                taken = is_recognized(interaction)
            case discord.InteractionType.modal_submit:
                custom_id = custom_id_of(interaction)
                taken = is_modal(custom_id) or is_cast_modal(custom_id)
            case _:
                return
        if not taken:
            log.warning("Nobody knows what interaction %s belongs to", interaction.id)
            async with failures_answered(interaction, "The answer to an unknown interaction"):
                await answer_privately(interaction, texts.unknown_interaction())

    @commands.Cog.listener()
    async def on_unreadable_interaction(self, data: object) -> None:
        """Answer an interaction that discord.py could not read: its id and token are all that this takes."""
        match data:
            case {"id": str(interaction_id), "token": str(token), **others} if interaction_id.isdecimal():
                route = Route(
                    "POST",
                    "/interactions/{webhook_id}/{webhook_token}/callback",
                    webhook_id=int(interaction_id),
                    webhook_token=token,
                )
            case _:
                log.error("An interaction that could not be read names no place to answer it")
                return
        with speaking(language_of(others.get("locale"))):
            text = texts.unreadable_interaction()
        answer = {
            "content": text,
            "flags": discord.MessageFlags(ephemeral=True).value,
        }
        body = {"type": discord.InteractionResponseType.channel_message.value, "data": answer}
        try:
            await self.bot.http.request(route, json=body)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as failure:
            log.error(
                "Interaction %s could not be read, nor answered (%s)", interaction_id, type(failure).__name__
            )
        else:
            log.info("Interaction %s could not be read; its member was told so", interaction_id)


async def setup(bot: ViduBot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Fallbacks(bot))

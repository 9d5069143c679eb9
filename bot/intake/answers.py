"""The one place where a failed command becomes a sentence."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import aiohttp
import discord
from discord import app_commands, ui
from discord.ext import commands
from discord.http import Route
from discord.utils import MISSING

from bot.storage.storage import StorageUnavailable
from bot.ui import custom_ids as presses
from bot.ui.modal import is_window

log = logging.getLogger(__name__)

UNEXPECTED = (
    "⚠️ Something went wrong on my side, and I have written it down for the people who run me. "
    "`/videos` shows whether your request is under way; if it is not there, please try again."
)
NO_PERMISSION = "🔒 Only members who may time out others (Moderate Members) can use this command."
STORAGE = (
    "💾 I cannot write anything down right now, so I did not go on: "
    "nothing was sent and your quota is untouched. Please try again in a few minutes."
)
OUTDATED = (
    "🔄 This command has just changed. "
    "Restart your Discord app to see the new one, or try again in a few minutes."
)
UNKNOWN_PRESS = "🤷 I can't tell what this belongs to. Nothing was started; use `/vidu` or `/videos` instead."
UNREADABLE = (
    "⚠️ Discord sent me this in a form that I can't read, so nothing was started. "
    "Try again; if that keeps happening, please tell the people who run me."
)
TOO_LATE = 10062  # Discord's code for an interaction that it has given up
ALREADY_ANSWERED = 40060  # Discord's code for a second first answer
WITHDRAWN = "-# Not sent."
ELSEWHERE = "🏠 This command works in a server only. Use it in one of its channels."


async def answer_privately(
    interaction: discord.Interaction[Any], text: str, *, view: ui.View | None = None
) -> None:
    """Tell only the member who asked, in place of a placeholder where one was shown."""
    if not interaction.response.is_done():
        await interaction.response.send_message(text, view=view or MISSING, ephemeral=True)
        return
    if interaction.response.type is not discord.InteractionResponseType.deferred_channel_message:
        # What shows is no placeholder: it stays as it is.
        await interaction.followup.send(text, view=view or MISSING, ephemeral=True)
        return
    # The first follow-up would take over the placeholder and be as public as that is: fill it first, remove
    # it last. Removing it first made Discord answer with Unknown Message (discord-api-docs issue 2739).
    await _withdraw(interaction)
    await interaction.followup.send(text, view=view or MISSING, ephemeral=True)
    with contextlib.suppress(discord.NotFound):
        await interaction.delete_original_response()


async def _withdraw(interaction: discord.Interaction[Any]) -> None:
    """Fill the placeholder; where it already shows components it can no longer be a plain text [Discord]."""
    layout = ui.LayoutView(timeout=None)
    layout.add_item(ui.TextDisplay(WITHDRAWN))
    await interaction.edit_original_response(view=layout)


async def answer_failed(interaction: discord.Interaction[Any], what: str, error: Exception) -> None:
    """Turn a failure into a sentence; what nobody expected goes to the log with its traceback."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, StorageUnavailable):
        log.error("%s met storage trouble (%s)", what, cause)
        text = STORAGE
    elif isinstance(cause, discord.HTTPException) and cause.code == TOO_LATE:
        # Nothing was begun, and Discord has told the member already that there was no answer.
        log.warning("%s could not be answered within Discord's 3 s", what)
        return
    elif isinstance(cause, discord.HTTPException) and cause.code == ALREADY_ANSWERED:
        # The same interaction arrived twice; its first arrival is being answered.
        log.info("Interaction %s arrived twice", interaction.id)
        return
    elif isinstance(error, app_commands.NoPrivateMessage):
        text = ELSEWHERE
    elif isinstance(error, app_commands.MissingPermissions):
        text = NO_PERMISSION
    elif isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        log.warning("%s is not registered as this version has it", what)
        text = OUTDATED
    else:
        log.error("%s failed", what, exc_info=error)
        text = UNEXPECTED
    try:
        await answer_privately(interaction, text)
    except discord.HTTPException as failure:
        # The interaction itself is lost (10062): there is no place left to answer.
        log.warning("The member could not be told (%s, %s)", failure.status, failure.code)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as failure:
        log.warning("The member could not be told (%s)", type(failure).__name__)


class Errors(commands.Cog):
    """Answers for everything that failed, and for what nobody else answers."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_app_command_error(
        self, interaction: discord.Interaction, error: app_commands.AppCommandError
    ) -> None:
        """Answer a command that failed."""
        name = interaction.command.qualified_name if interaction.command else "unknown"
        await answer_failed(interaction, f"The command {name}", error)

    @commands.Cog.listener()
    async def on_interaction_failed(self, interaction: discord.Interaction[Any]) -> None:
        """Answer for a listener that failed; its failure is in the log already."""
        if not interaction.response.is_done():
            with contextlib.suppress(discord.DiscordException, aiohttp.ClientError, OSError):
                await answer_privately(interaction, UNEXPECTED)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer a press or a window that nobody takes: discord.py drops what it does not recognise.

        discord.py has called the buttons that it does recognise before this.
        """
        data: Mapping[str, Any] = interaction.data if isinstance(interaction.data, dict) else {}
        match interaction.type:
            case discord.InteractionType.component:
                taken = presses.is_taken(interaction)
            case discord.InteractionType.modal_submit:
                taken = is_window(str(data.get("custom_id", "")))
            case _:
                return
        if not taken:
            log.warning("Nobody knows what interaction %s belongs to", interaction.id)
            await answer_privately(interaction, UNKNOWN_PRESS)

    @commands.Cog.listener()
    async def on_unreadable_interaction(self, data: object) -> None:
        """Answer an interaction that discord.py could not read: its id and token are all that this takes."""
        match data:
            case {"id": str(interaction_id), "token": str(token)} if interaction_id.isdecimal():
                route = Route(
                    "POST",
                    "/interactions/{webhook_id}/{webhook_token}/callback",
                    webhook_id=int(interaction_id),
                    webhook_token=token,
                )
            case _:
                log.error("An interaction that could not be read names no place to answer it")
                return
        answer = {"content": UNREADABLE, "flags": discord.MessageFlags(ephemeral=True).value}
        body = {"type": discord.InteractionResponseType.channel_message.value, "data": answer}
        try:
            await self._bot.http.request(route, json=body)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as failure:
            log.error(
                "Interaction %s could not be read, nor answered (%s)", interaction_id, type(failure).__name__
            )
        else:
            log.info("Interaction %s could not be read; its member was told so", interaction_id)


async def setup(bot: commands.Bot) -> None:
    """Add the cog; called by `load_extension`."""
    await bot.add_cog(Errors(bot))

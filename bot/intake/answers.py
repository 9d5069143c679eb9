"""The one place where a failed command becomes a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import discord
from discord import app_commands, ui
from discord.utils import MISSING

from bot.intake.context import Interaction, answering, card_language
from bot.jobs.processes.relay import OwnerUnheard
from bot.storage.storage import StorageUnavailable
from bot.ui.texts import answers as texts
from bot.ui.translator import speaking

log = logging.getLogger(__name__)

TOO_LATE = 10062  # Discord's code for an interaction that it has given up
ALREADY_ANSWERED = 40060  # Discord's code for a second first answer
_ANSWERED = "vidu failure answered"


async def answer_privately(interaction: Interaction, text: str, *, view: ui.View | None = None) -> None:
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


async def _withdraw(interaction: Interaction) -> None:
    """Fill the placeholder; where it already shows components it can no longer be a plain text [Discord]."""
    layout = ui.LayoutView(timeout=None)
    with speaking(card_language(interaction, private=False)):  # for a moment everyone may see it
        layout.add_item(ui.TextDisplay(texts.not_sent()))
    await interaction.edit_original_response(view=layout)


async def answer_failed(interaction: Interaction, what: str, error: Exception) -> None:
    """Turn a failure into a sentence; what nobody expected goes to the log with its traceback.

    Where this process is ending it can't say anything any more: then the work is cancelled instead, and the
    next process answers what was acknowledged.
    """
    if interaction.client.is_closed():
        raise _cut_off(what)
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if interaction.extras.get(_ANSWERED) is cause:
        return  # where it was raised it was answered as well
    interaction.extras[_ANSWERED] = cause
    with answering(interaction):
        await _answer_failed(interaction, what, error, cause)


async def _answer_failed(interaction: Interaction, what: str, error: Exception, cause: Exception) -> None:
    if (trouble := _trouble(what, cause)) is not None:
        text = trouble
    elif isinstance(cause, discord.HTTPException) and cause.code == TOO_LATE:
        # Nothing was begun, and Discord has told the member already that there was no answer.
        log.warning("%s could not be answered within Discord's 3 s", what)
        return
    elif isinstance(cause, discord.HTTPException) and cause.code == ALREADY_ANSWERED:
        # The same interaction arrived twice; its first arrival is being answered.
        log.info("Interaction %s arrived twice", interaction.id)
        return
    elif isinstance(error, app_commands.NoPrivateMessage):
        text = texts.server_only()
    elif isinstance(error, app_commands.MissingPermissions):
        text = texts.no_permission(manage_server="manage_guild" in error.missing_permissions)
    elif isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        log.warning("%s is not registered as this version has it", what)
        text = texts.outdated_command()
    else:
        log.error("%s failed", what, exc_info=error)
        text = texts.unexpected()
    await _tell(interaction, what, text)


async def _tell(interaction: Interaction, what: str, text: str) -> None:
    """Tell the member what failed, as far as that is still possible."""
    try:
        await answer_privately(interaction, text)
    except discord.HTTPException as failure:
        # The interaction itself is lost (10062): there is no place left to answer.
        log.warning("The member could not be told (%s, %s)", failure.status, failure.code)
    except (discord.DiscordException, aiohttp.ClientError, OSError) as failure:
        log.warning("The member could not be told (%s)", type(failure).__name__)
    except RuntimeError:  # the session is closed [aiohttp]
        if interaction.client.is_closed():
            raise _cut_off(what) from None
        raise


def _cut_off(what: str) -> asyncio.CancelledError:
    log.warning("%s was cut off by the end of this process", what)
    return asyncio.CancelledError()


def _trouble(what: str, cause: Exception) -> str | None:
    """Return what follows trouble between this process and what it stands on, which is likely to pass."""
    if isinstance(cause, StorageUnavailable):
        log.error("%s met storage trouble (%s)", what, cause)
        return texts.storage_unavailable()
    if isinstance(cause, OwnerUnheard):
        log.warning("%s: %s", what, cause)
        return texts.owner_unheard()
    return None


async def answer_unexpected(interaction: Interaction) -> None:
    """Answer for a failure that is in the log already; what was answered stays as it is."""
    if not interaction.response.is_done():
        unreachable = contextlib.suppress(discord.DiscordException, aiohttp.ClientError, OSError)
        with unreachable, answering(interaction):
            await answer_privately(interaction, texts.unexpected())


@asynccontextmanager
async def failures_answered(interaction: Interaction, what: str) -> AsyncIterator[None]:
    """Let nothing that is raised in here end in silence: discord.py would only log it."""
    try:
        with answering(interaction):
            yield
    except Exception as error:
        await answer_failed(interaction, what, error)

"""Where an interaction happens, and who acts there."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import discord

from bot.intake.answers import answer_privately
from bot.intake.repeats import RecentPresses
from bot.storage.storage import PROMPT

log = logging.getLogger(__name__)

FIRST_ANSWER = 2.5  # seconds until the first answer must be on its way; Discord takes none after 3
_DUE = "vidu answer due"

ONE_PRESS = "🙂 I am on it already, one press is enough. For another one press again in a few seconds."


def await_answer(interaction: discord.Interaction[Any]) -> float:
    """Return the loop's time at which the first answer is due; the first call starts the count."""
    due: float = interaction.extras.setdefault(_DUE, asyncio.get_running_loop().time() + FIRST_ANSWER)
    return due


def time_to_read(interaction: discord.Interaction[Any]) -> asyncio.Timeout:
    """Return the limit of what may be read before the first answer, so that the disk has its time as well."""
    return asyncio.timeout_at(await_answer(interaction) - PROMPT)


def is_guest(interaction: discord.Interaction[Any]) -> bool:
    """Tell whether the bot is no member here: then only the interaction's token reaches the place."""
    if interaction.guild_id is not None:
        return interaction.client.get_guild(interaction.guild_id) is None
    return interaction.context.private_channel


def home(interaction: discord.Interaction[Any]) -> int | None:
    """Return the server whose quotas count; as a guest it is nobody's, or each server would add a quota."""
    return None if is_guest(interaction) else interaction.guild_id


def role_ids(interaction: discord.Interaction[Any]) -> list[int]:
    """Return the roles of the member who acts; none where no server's rules count."""
    user = interaction.user
    if home(interaction) is None or not isinstance(user, discord.Member):
        return []
    return [role.id for role in user.roles]


async def is_first(interaction: discord.Interaction[Any], presses: RecentPresses, what: str) -> bool:
    """Tell whether this is no repetition of what its member did a moment ago; answer it if it is one."""
    earlier = presses.take(interaction.user.id, what, interaction.id, interaction.client.clock.now())
    if earlier is None:
        return True
    if earlier == interaction.id:
        log.info("Interaction %s arrived twice", interaction.id)  # its first arrival is being answered
    else:
        await answer_privately(interaction, ONE_PRESS)
    return False

"""Where an interaction happens, who acts there, in which language, and how much time its first answer has."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import discord

from bot.models.jobs import CardLocation
from bot.models.languages import Language, language_of
from bot.storage.storage import TimeLimits
from bot.ui.translator import speaking

# Any: a callback of discord.py takes the interactions of any client.
Interaction: TypeAlias = discord.Interaction[Any]

TOKEN_LIFE = timedelta(minutes=15)  # [Discord]
FIRST_ANSWER = 2.5  # seconds until the first answer must be on its way; Discord takes none after 3
_DUE = "vidu answer due"


def first_answer_due(interaction: Interaction) -> float:
    """Return the loop's time at which the first answer is due; the first call starts the count."""
    due: float = interaction.extras.setdefault(_DUE, asyncio.get_running_loop().time() + FIRST_ANSWER)
    return due


def time_to_read(interaction: Interaction) -> asyncio.Timeout:
    """Return the limit of what may be read before the first answer, so that the disk has its time as well."""
    return asyncio.timeout_at(first_answer_due(interaction) - TimeLimits().interactive)


def member_language(interaction: Interaction) -> Language:
    """Return the language of the member who acts."""
    return language_of(interaction.locale)


def card_language(interaction: Interaction, *, private: bool) -> Language:
    """Return the language of a card: its member's where nobody else sees it, otherwise the server's."""
    if private or interaction.guild_id is None:
        return member_language(interaction)
    language: Language = interaction.client.languages.of(interaction.guild_id, interaction.guild_locale)
    return language


def answering(interaction: Interaction) -> AbstractContextManager[None]:
    """Let every sentence in this block be in the language of the member who acts."""
    return speaking(member_language(interaction))


def is_guest(interaction: Interaction) -> bool:
    """Tell whether the bot isn't a member here: then only the interaction's token reaches the place."""
    if interaction.guild_id is not None:
        return interaction.client.get_guild(interaction.guild_id) is None
    return interaction.context.private_channel


def quota_guild_id(interaction: Interaction) -> int | None:
    """Return the server whose quotas count; as a guest it is nobody's, or each server would add a quota."""
    return None if is_guest(interaction) else interaction.guild_id


def role_ids(interaction: Interaction) -> list[int]:
    """Return the roles of the member who acts; none where no server's rules count."""
    user = interaction.user
    if quota_guild_id(interaction) is None or not isinstance(user, discord.Member):
        return []
    return [role.id for role in user.roles]


def is_age_restricted(interaction: Interaction) -> bool:
    """Return whether this happens in an age-restricted channel, or in a thread of one."""
    is_nsfw = getattr(interaction.channel, "is_nsfw", None)  # not every kind of channel can be one
    return bool(is_nsfw and is_nsfw())


def card_location(interaction: Interaction, now: datetime, *, private: bool) -> CardLocation:
    """Return where the answer to an interaction goes; the id of its message is not known yet."""
    assert interaction.channel_id is not None, "nothing happens outside a channel"
    return CardLocation(
        channel_id=interaction.channel_id,
        guild_id=quota_guild_id(interaction),
        token=interaction.token,
        token_expires=now + TOKEN_LIFE,
        private=private,
        upload_limit=interaction.filesize_limit,
        guest=is_guest(interaction),
        language=card_language(interaction, private=private),
    )

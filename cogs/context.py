"""Where an interaction happens, and who acts there."""

from __future__ import annotations

from typing import Any

import discord


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

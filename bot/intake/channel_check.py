"""Which permissions the bot lacks where a command was used."""

from __future__ import annotations

import discord

from bot.intake.context import Interaction

# What `bot/delivery` needs once an interaction's token is too old, and for mentions and thumbnails before:
# its calls of the channel's own routes. Components need no permission to embed links.
_NEEDED = ("view_channel", "send_messages", "attach_files", "read_message_history")
_NEEDED_IN_THREADS = ("view_channel", "send_messages_in_threads", "attach_files", "read_message_history")


def missing_permissions(interaction: Interaction) -> list[str]:
    """Return the names of the permissions that the bot needs in this channel, and doesn't have."""
    has = interaction.app_permissions
    if has.administrator:
        return []
    in_thread = isinstance(interaction.channel, discord.Thread)
    return [name for name in (_NEEDED_IN_THREADS if in_thread else _NEEDED) if not getattr(has, name)]

"""Write into the log channels of servers, without a ping."""

from __future__ import annotations

import discord

from bot.delivery.routes import UNSURE
from bot.moderation.log_writer import LogUnavailable, LogUnwritable
from bot.ui.log_card import log_card

_SILENT = discord.AllowedMentions.none()


class LogMessages:
    """Discord's calls for logs."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

    async def post(self, channel_id: int, text: str, *, reported: int | None = None) -> int:
        """Post a message and return its id. Raises LogUnwritable, and LogUnavailable where that may pass."""
        channel = self._client.get_partial_messageable(channel_id)
        view = log_card(text, reported=reported)
        try:
            message = await channel.send(view=view, allowed_mentions=_SILENT, silent=True)
        except (discord.HTTPException, *UNSURE) as error:
            raise _trouble(error) from None
        return message.id

    async def edit(self, channel_id: int, message_id: int, text: str) -> None:
        """Replace the text of a message; raises as `post` does."""
        message = self._client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            await message.edit(view=log_card(text), allowed_mentions=_SILENT)
        except (discord.HTTPException, *UNSURE) as error:
            raise _trouble(error) from None


def _trouble(error: Exception) -> LogUnavailable | LogUnwritable:
    """Return what an error of a call means: only a definite no is one."""
    if isinstance(error, discord.HTTPException) and error.status < 500 and error.status != 429:
        return LogUnwritable(f"{error.status}, {error.code}")
    return LogUnavailable(type(error).__name__)

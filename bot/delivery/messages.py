"""Read, edit and send the messages that are cards: by an interaction's token, or as the bot's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord import ui

from bot.models.jobs import CardLocation, Job, PendingReply


@dataclass(frozen=True, slots=True)
class Content:
    """What a message is to hold."""

    location: CardLocation
    view: ui.LayoutView
    files: Sequence[discord.File] = ()
    kept: Sequence[discord.Attachment] = ()  # of those it has; they are only named where files come
    bare: bool = False  # whatever files it has go

    @property
    def attachments(self) -> dict[str, Any]:
        """Return what an edit says of its files; nothing where they stay as they are."""
        return {"attachments": [*self.kept, *self.files]} if self.files or self.bare else {}


Put = Callable[[Content], Awaitable[discord.Message]]


class Messages:
    """Discord's calls for cards; all of them raise what discord.py does."""

    def __init__(self, client: discord.Client, session: aiohttp.ClientSession) -> None:
        self._client = client
        self._session = session

    def webhook(self, token: str) -> discord.Webhook:
        """Return what an interaction's token can be used for."""
        application = self._client.application_id
        assert application is not None, "the bot is logged in before it shows a card"
        return discord.Webhook.partial(application, token, session=self._session, client=self._client)

    def channel(self, job: Job | PendingReply) -> discord.PartialMessageable:
        """Return the channel of a card."""
        return self._client.get_partial_messageable(job.location.channel_id, guild_id=job.location.guild_id)

    def guild_limit(self, guild_id: int | None) -> int:
        """Return how many bytes a file in this server may have, 0 where that is not known."""
        guild = self._client.get_guild(guild_id) if guild_id else None
        return guild.filesize_limit if guild else 0

    async def read(self, job: Job, *, by_token: bool) -> discord.Message:
        """Return the message of a card as it is now."""
        message_id, token = job.location.message_id, job.location.token
        assert message_id is not None
        if by_token and token:
            return await self.webhook(token).fetch_message(message_id)
        return await self.channel(job).fetch_message(message_id)

    def edit_by_token(self, job: Job | PendingReply) -> Put:
        """Return how to edit a card with the interaction's token."""
        token = job.location.token
        assert token is not None
        # Until Discord has told the id, the first answer to an interaction goes by a name of its own.
        message_id: Any = job.location.message_id or "@original"

        async def put(content: Content) -> discord.Message:
            return await self.webhook(token).edit_message(
                message_id, view=content.view, **content.attachments
            )

        return put

    def edit_in_channel(self, job: Job | PendingReply) -> Put:
        """Return how to edit a card as the bot's own message."""
        message_id = job.location.message_id
        assert message_id is not None

        async def put(content: Content) -> discord.Message:
            message = self.channel(job).get_partial_message(message_id)
            silent = discord.AllowedMentions.none()
            return await message.edit(view=content.view, allowed_mentions=silent, **content.attachments)

        return put

    async def delete(self, job: Job, *, by_token: bool) -> None:
        """Delete the message of a card."""
        message_id, token = job.location.message_id, job.location.token
        assert message_id is not None
        if by_token and token:
            await self.webhook(token).delete_message(message_id)
        else:
            await self.channel(job).get_partial_message(message_id).delete()

    def send(self, job: Job | PendingReply, *, dm: bool) -> Put:
        """Return how to send a card as a new message."""

        async def put(content: Content) -> discord.Message:
            place: discord.abc.Messageable = self.channel(job)
            if dm:
                user = self._client.get_user(job.user_id) or await self._client.fetch_user(job.user_id)
                place = user
            # The nonce makes a repeat after a lost answer return the first message instead of a second one.
            nonce = f"{job.id}-{'d' if dm else 'c'}"
            return await place.send(view=content.view, files=content.files, nonce=nonce)

        return put

"""The messages of the stand-in Discord and their files, and what Discord refuses to put on one."""

from __future__ import annotations

import time

from aiohttp import web

from fakes.discord import payloads
from fakes.discord.answers import EMPTY_MESSAGE, TOO_LARGE, UNKNOWN_MESSAGE, reply
from fakes.discord.model import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    Attachment,
    Call,
    Json,
    Message,
    Refusal,
    Upload,
    media_urls,
    snowflake,
)


class Messages:
    """Holds the messages of all channels, and serves their files."""

    def __init__(self) -> None:
        self.base_url = ""
        self.channels: dict[int, dict[int, Message]] = {}  # by channel and id
        self.attachments: dict[int, Attachment] = {}

    def attach(self, upload: Upload, content_type: str | None = None) -> Attachment:
        """Take a file and serve it from now on."""
        file_id = snowflake()
        issued = int(time.time())
        url = f"{self.base_url}/attachments/{file_id}/{upload.name}?ex={issued + 86400:x}&is={issued:x}&hm=0"
        self.attachments[file_id] = Attachment(file_id, upload.name, upload.data, url, content_type)
        return self.attachments[file_id]

    def find(self, channel_id: int, message_id: int) -> Message:
        """Return a message that everybody in its channel sees. Raises Refusal."""
        message = self.channels.get(channel_id, {}).get(message_id)
        if message is None or message.ephemeral:
            raise UNKNOWN_MESSAGE
        return message

    def edit(self, message: Message, call: Call) -> web.Response:
        """Edit a message; a placeholder is none any more."""
        self.change(message, call.json, call.files)
        message.edits += 1
        message.flags &= ~LOADING
        return reply(message.payload())

    def remove(self, message: Message) -> None:
        """Delete a message."""
        del self.channels[message.channel_id][message.id]
        if message.asked is not None and message is message.asked.original:
            message.asked.deleted = True

    def delete(self, message: Message) -> web.Response:
        """Delete a message, and answer as Discord does."""
        self.remove(message)
        return web.Response(status=204)

    def keep(self, message: Message) -> None:
        """Put a new message into its channel."""
        self.channels.setdefault(message.channel_id, {})[message.id] = message

    def exists(self, message: Message) -> bool:
        """Return whether a message was not deleted."""
        return message.id in self.channels.get(message.channel_id, {})

    def change(self, message: Message, body: Json, files: list[Upload]) -> None:
        """Put a body on a message, or refuse all of it."""
        if any(len(file.data) > payloads.UPLOAD_LIMIT for file in files):
            raise TOO_LARGE
        flags = message.flags | (body.get("flags") or 0) & (COMPONENTS_V2 | EPHEMERAL)
        content = message.content if "content" not in body else body["content"] or ""
        components = message.components if "components" not in body else body["components"] or []
        kept = message.attachments
        if body.get("attachments") is not None:
            listed = {str(each["id"]) for each in body["attachments"]}
            kept = [each for each in kept if str(each.id) in listed]
        if flags & COMPONENTS_V2 and (content or body.get("embeds")):
            raise Refusal(400, 50035, "content and embeds cannot be used with components V2")
        names = [each.name for each in kept] + [file.name for file in files]
        for url in media_urls(components):
            if url.startswith("attachment://") and url.removeprefix("attachment://") not in names:
                raise Refusal(400, 50035, f"components name {url}, which is not attached")
        if not (content or components or kept or files or body.get("embeds")):
            raise EMPTY_MESSAGE
        message.flags, message.content, message.components = flags, content, components
        message.attachments = [*kept, *(self.attach(file) for file in files)]

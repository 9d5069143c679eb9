"""What an interaction's token can be used for: the first answer, follow-ups, and edits of both."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from aiohttp import web

from fakes.discord.answers import (
    ACKNOWLEDGED,
    CALL,
    INVALID_TOKEN,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    reply,
)
from fakes.discord.messages import Messages
from fakes.discord.model import LOADING, Message, Refusal, Slash, snowflake

TOKEN_LIFE = timedelta(minutes=15)
ANSWER_SECONDS = 3.0  # for the first response


class Interactions:
    """Answers the calls that carry an interaction's token."""

    def __init__(self, messages: Messages, now: Callable[[], datetime]) -> None:
        self._messages = messages
        self._now = now
        self.slashes: dict[str, Slash] = {}  # by token

    def add_routes(self, router: web.UrlDispatcher, api: str) -> None:
        """Add the routes below an address."""
        router.add_post(f"{api}/interactions/{{id}}/{{token}}/callback", self._callback)
        webhook = f"{api}/webhooks/{{application}}/{{token}}"
        router.add_post(webhook, self._follow_up)
        router.add_get(f"{webhook}/messages/{{message}}", self._webhook_message)
        router.add_patch(f"{webhook}/messages/{{message}}", self._edit_webhook_message)
        router.add_delete(f"{webhook}/messages/{{message}}", self._delete_webhook_message)

    async def _callback(self, request: web.Request) -> web.Response:
        slash = self.slashes.get(request.match_info["token"])
        if slash is None or slash.id != int(request.match_info["id"]):
            raise UNKNOWN_INTERACTION
        seconds = time.monotonic() - slash.sent
        if slash.first_response is not None or seconds > ANSWER_SECONDS:
            slash.refused_responses += 1
            raise UNKNOWN_INTERACTION if slash.first_response is None else ACKNOWLEDGED
        call = request[CALL]
        kind, data = call.json["type"], call.json.get("data") or {}
        if kind in {6, 9}:  # a press that is only heard, or a window: there is no message
            slash.first_response, slash.answered_after = kind, seconds
            slash.modal = data if kind == 9 else None
            slash.original = slash.pressed if kind == 6 else None
            return reply({"interaction": {"id": str(slash.id), "type": slash.event["type"]}})
        message = Message(snowflake(), slash.channel_id, flags=data.get("flags", 0), asked=slash)
        if kind == 4:
            self._messages.change(message, data, call.files)
        elif kind == 5:
            message.flags |= LOADING
        else:
            raise Refusal(400, 50035, f"The stand-in knows no response of type {kind}")
        slash.first_response, slash.answered_after, slash.original = kind, seconds, message
        self._messages.keep(message)
        if request.query.get("with_response", "").lower() not in {"true", "1"}:
            return web.Response(status=204)
        about = {
            "id": str(slash.id),
            "type": 2,
            "response_message_id": str(message.id),
            "response_message_loading": message.loading,
            "response_message_ephemeral": message.ephemeral,
        }
        return reply({"interaction": about, "resource": {"type": kind, "message": message.payload()}})

    async def _follow_up(self, request: web.Request) -> web.Response:
        slash, call = self._slash(request), request[CALL]
        if slash.original is not None and slash.original.loading:
            if slash.deleted:  # a placeholder that was removed cannot be taken over
                raise UNKNOWN_MESSAGE
            # The first follow-up takes over the placeholder, and is as public as that.
            self._messages.change(slash.original, call.json, call.files)
            slash.original.flags = slash.original.flags & ~LOADING
            return reply(slash.original.payload())
        flags = call.json.get("flags", 0)
        message = Message(snowflake(), slash.channel_id, flags=flags, asked=slash)
        self._messages.change(message, call.json, call.files)
        slash.followups.append(message)
        self._messages.keep(message)
        return reply(message.payload())

    async def _webhook_message(self, request: web.Request) -> web.Response:
        return reply(self._of_webhook(request).payload())

    async def _edit_webhook_message(self, request: web.Request) -> web.Response:
        return self._messages.edit(self._of_webhook(request), request[CALL])

    async def _delete_webhook_message(self, request: web.Request) -> web.Response:
        return self._messages.delete(self._of_webhook(request))

    def _slash(self, request: web.Request) -> Slash:
        """Return the interaction of a webhook's token while that lives."""
        slash = self.slashes.get(request.match_info["token"])
        if slash is None:
            raise UNKNOWN_WEBHOOK
        if slash.expired or self._now() > slash.created + TOKEN_LIFE:
            slash.dead_calls += 1
            raise INVALID_TOKEN
        if slash.original is None:
            raise UNKNOWN_WEBHOOK
        return slash

    def _of_webhook(self, request: web.Request) -> Message:
        slash, wanted = self._slash(request), request.match_info["message"]
        own = [message for message in [slash.original, *slash.followups] if message is not None]
        for message in own[:1] if wanted == "@original" else own:
            if wanted in {"@original", str(message.id)} and self._messages.exists(message):
                return message
        raise UNKNOWN_MESSAGE

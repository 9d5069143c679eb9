"""The stand-in's REST: the routes that a bot with slash commands needs, as strict as Discord's own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from fakes.discord import payloads
from fakes.discord.model import (
    APPLICATION_ID,
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    Attachment,
    Call,
    Json,
    Message,
    Refusal,
    Slash,
    Upload,
    media_urls,
    snowflake,
    user_payload,
)

TOKEN_LIFE = timedelta(minutes=15)
NONCE_LIFE = timedelta(minutes=5)
ANSWER_SECONDS = 3.0  # for the first response
DM_CHANNELS = 10_000_000  # a direct message channel's id is this and the member's

UNKNOWN_MESSAGE = Refusal(404, 10008, "Unknown Message")
UNKNOWN_INTERACTION = Refusal(404, 10062, "Unknown interaction")
UNKNOWN_WEBHOOK = Refusal(404, 10015, "Unknown Webhook")
ACKNOWLEDGED = Refusal(400, 40060, "Interaction has already been acknowledged.")
INVALID_TOKEN = Refusal(401, 50027, "Invalid Webhook Token")
UNAUTHORIZED = Refusal(401, 0, "401: Unauthorized")
EMPTY_MESSAGE = Refusal(400, 50006, "Cannot send an empty message")
TOO_LARGE = Refusal(413, 40005, "Request entity too large")
CALL: web.RequestKey[Call] = web.RequestKey("call", Call)


class Rest:
    """Answers REST calls; the server around it reads bodies, records calls and plays faults."""

    def __init__(self, token: str, now: Callable[[], datetime], gateway_url: Callable[[], str]) -> None:
        self._authorization = f"Bot {token}"
        self._now = now
        self._gateway_url = gateway_url
        self._nonces: dict[tuple[int, str], tuple[datetime, Message]] = {}
        self.token_works = True
        self.base_url = ""
        self.commands: list[Json] = []
        self.registrations = 0
        self.slashes: dict[str, Slash] = {}  # by token
        self.messages: dict[int, dict[int, Message]] = {}  # by channel and id
        self.attachments: dict[int, Attachment] = {}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add every route below /api/v10."""
        api = "/api/v10"
        router.add_get(f"{api}/users/@me", self._me)
        router.add_get(f"{api}/users/{{user}}", self._user)
        router.add_post(f"{api}/users/@me/channels", self._open_dm)
        router.add_get(f"{api}/oauth2/applications/@me", self._application)
        router.add_get(f"{api}/gateway/bot", self._gateway)
        router.add_get(f"{api}/applications/{{application}}/commands", self._commands)
        router.add_put(f"{api}/applications/{{application}}/commands", self._register)
        router.add_post(f"{api}/interactions/{{id}}/{{token}}/callback", self._callback)
        webhook = f"{api}/webhooks/{{application}}/{{token}}"
        router.add_post(webhook, self._follow_up)
        router.add_get(f"{webhook}/messages/{{message}}", self._webhook_message)
        router.add_patch(f"{webhook}/messages/{{message}}", self._edit_webhook_message)
        router.add_delete(f"{webhook}/messages/{{message}}", self._delete_webhook_message)
        channel = f"{api}/channels/{{channel}}/messages"
        router.add_get(channel, self._channel_messages)
        router.add_post(channel, self._send)
        router.add_get(f"{channel}/{{message}}", self._channel_message)
        router.add_patch(f"{channel}/{{message}}", self._edit_channel_message)
        router.add_delete(f"{channel}/{{message}}", self._delete_channel_message)

    def authorize(self, call: Call) -> None:
        """Refuse a call with a wrong token; interaction routes carry theirs in the path."""
        if call.path.startswith(("/interactions/", "/webhooks/")):
            return
        if not self.token_works or call.authorization != self._authorization:
            raise UNAUTHORIZED

    def attach(self, upload: Upload, content_type: str | None = None) -> Attachment:
        """Take a file and serve it from now on."""
        file_id = snowflake()
        issued = int(time.time())
        url = f"{self.base_url}/attachments/{file_id}/{upload.name}?ex={issued + 86400:x}&is={issued:x}&hm=0"
        self.attachments[file_id] = Attachment(file_id, upload.name, upload.data, url, content_type)
        return self.attachments[file_id]

    async def _me(self, _: web.Request) -> web.Response:
        return reply(user_payload(APPLICATION_ID, "vidu", bot=True))

    async def _user(self, request: web.Request) -> web.Response:
        user_id = int(request.match_info["user"])
        return reply(user_payload(user_id, f"member{user_id}"))

    async def _open_dm(self, request: web.Request) -> web.Response:
        user_id = int(request[CALL].json["recipient_id"])
        recipient = user_payload(user_id, f"member{user_id}")
        return reply({"id": str(DM_CHANNELS + user_id), "type": 1, "recipients": [recipient]})

    async def _application(self, _: web.Request) -> web.Response:
        return reply(payloads.application())

    async def _gateway(self, _: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return reply({"url": self._gateway_url(), "shards": 1, "session_start_limit": limit})

    async def _commands(self, _: web.Request) -> web.Response:
        return reply(self.commands)

    async def _register(self, request: web.Request) -> web.Response:
        own = {"application_id": str(APPLICATION_ID), "version": "1"}
        self.commands = [
            {"description": "", **each, **own, "id": str(snowflake())} for each in request[CALL].json
        ]
        self.registrations += 1
        return reply(self.commands)

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
            self._change(message, data, call.files)
        elif kind == 5:
            message.flags |= LOADING
        else:
            raise Refusal(400, 50035, f"The stand-in knows no response of type {kind}")
        slash.first_response, slash.answered_after, slash.original = kind, seconds, message
        self._keep(message)
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
            self._change(slash.original, call.json, call.files)
            slash.original.flags = slash.original.flags & ~LOADING
            return reply(slash.original.payload())
        flags = call.json.get("flags", 0)
        message = Message(snowflake(), slash.channel_id, flags=flags, asked=slash)
        self._change(message, call.json, call.files)
        slash.followups.append(message)
        self._keep(message)
        return reply(message.payload())

    async def _webhook_message(self, request: web.Request) -> web.Response:
        return reply(self._of_webhook(request).payload())

    async def _edit_webhook_message(self, request: web.Request) -> web.Response:
        return self._edit(self._of_webhook(request), request[CALL])

    async def _delete_webhook_message(self, request: web.Request) -> web.Response:
        return self._delete(self._of_webhook(request))

    async def _channel_messages(self, request: web.Request) -> web.Response:
        found = self.messages.get(int(request.match_info["channel"]), {})
        visible = [each.payload() for each in found.values() if not each.ephemeral]
        return reply(visible[::-1])

    async def _channel_message(self, request: web.Request) -> web.Response:
        return reply(self._of_channel(request).payload())

    async def _edit_channel_message(self, request: web.Request) -> web.Response:
        return self._edit(self._of_channel(request), request[CALL])

    async def _delete_channel_message(self, request: web.Request) -> web.Response:
        return self._delete(self._of_channel(request))

    async def _send(self, request: web.Request) -> web.Response:
        channel_id, call = int(request.match_info["channel"]), request[CALL]
        nonce = str(call.json["nonce"]) if call.json.get("enforce_nonce") else None
        if nonce is not None:
            at, first = self._nonces.get((channel_id, nonce), (None, None))
            if at is not None and first is not None and self._now() < at + NONCE_LIFE:
                return reply(first.payload())
        message = Message(snowflake(), channel_id, flags=call.json.get("flags", 0), nonce=nonce)
        message.reference = call.json.get("message_reference")
        self._change(message, call.json, call.files)
        self._keep(message)
        if nonce is not None:
            self._nonces[channel_id, nonce] = (self._now(), message)
        return reply(message.payload())

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
            if wanted in {"@original", str(message.id)} and self._exists(message):
                return message
        raise UNKNOWN_MESSAGE

    def _of_channel(self, request: web.Request) -> Message:
        channel = self.messages.get(int(request.match_info["channel"]), {})
        message = channel.get(int(request.match_info["message"]))
        if message is None or message.ephemeral:
            raise UNKNOWN_MESSAGE
        return message

    def _edit(self, message: Message, call: Call) -> web.Response:
        self._change(message, call.json, call.files)
        message.edits += 1
        message.flags &= ~LOADING
        return reply(message.payload())

    def remove(self, message: Message) -> None:
        """Delete a message."""
        del self.messages[message.channel_id][message.id]
        if message.asked is not None and message is message.asked.original:
            message.asked.deleted = True

    def _delete(self, message: Message) -> web.Response:
        self.remove(message)
        return web.Response(status=204)

    def _keep(self, message: Message) -> None:
        self.messages.setdefault(message.channel_id, {})[message.id] = message

    def _exists(self, message: Message) -> bool:
        return message.id in self.messages.get(message.channel_id, {})

    def _change(self, message: Message, body: Json, files: list[Upload]) -> None:
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


def reply(payload: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return JSON; discord.py takes it for text if the type names a charset."""
    body = json.dumps(payload).encode()
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")

"""The stand-in's REST: the routes that a bot with slash commands needs, as strict as Discord's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from aiohttp import web

from fakes.discord import payloads
from fakes.discord.answers import CALL, UNAUTHORIZED, reply
from fakes.discord.interactions import Interactions
from fakes.discord.messages import Messages
from fakes.discord.model import APPLICATION_ID, Call, Json, Message, snowflake, user_payload

NONCE_LIFE = timedelta(minutes=5)
DM_CHANNELS = 10_000_000  # a direct message channel's id is this and the member's


class Rest:
    """Answers REST calls; the server around it reads bodies, records calls and plays faults."""

    def __init__(self, token: str, now: Callable[[], datetime], gateway_url: Callable[[], str]) -> None:
        self._authorization = f"Bot {token}"
        self._now = now
        self._gateway_url = gateway_url
        self._nonces: dict[tuple[int, str], tuple[datetime, Message]] = {}
        self.token_works = True
        self.messages = Messages()
        self.interactions = Interactions(self.messages, now)
        self.commands: list[Json] = []
        self.registrations = 0
        self.recommended_shards = 1
        self.max_concurrency = 1  # sessions that may begin within 5 seconds

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
        self.interactions.add_routes(router, api)
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
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": self.max_concurrency}
        shards = self.recommended_shards
        return reply({"url": self._gateway_url(), "shards": shards, "session_start_limit": limit})

    async def _commands(self, _: web.Request) -> web.Response:
        return reply(self.commands)

    async def _register(self, request: web.Request) -> web.Response:
        own = {"application_id": str(APPLICATION_ID), "version": "1"}
        self.commands = [
            {"description": "", **each, **own, "id": str(snowflake())} for each in request[CALL].json
        ]
        self.registrations += 1
        return reply(self.commands)

    async def _channel_messages(self, request: web.Request) -> web.Response:
        found = self.messages.channels.get(int(request.match_info["channel"]), {})
        visible = [each.payload() for each in found.values() if not each.ephemeral]
        return reply(visible[::-1])

    async def _channel_message(self, request: web.Request) -> web.Response:
        return reply(self._of_channel(request).payload())

    async def _edit_channel_message(self, request: web.Request) -> web.Response:
        return self.messages.edit(self._of_channel(request), request[CALL])

    async def _delete_channel_message(self, request: web.Request) -> web.Response:
        return self.messages.delete(self._of_channel(request))

    async def _send(self, request: web.Request) -> web.Response:
        channel_id, call = int(request.match_info["channel"]), request[CALL]
        nonce = str(call.json["nonce"]) if call.json.get("enforce_nonce") else None
        if nonce is not None:
            at, first = self._nonces.get((channel_id, nonce), (None, None))
            if at is not None and first is not None and self._now() < at + NONCE_LIFE:
                return reply(first.payload())
        message = Message(snowflake(), channel_id, flags=call.json.get("flags", 0), nonce=nonce)
        message.reference = call.json.get("message_reference")
        self.messages.change(message, call.json, call.files)
        self.messages.keep(message)
        if nonce is not None:
            self._nonces[channel_id, nonce] = (self._now(), message)
        return reply(message.payload())

    def _of_channel(self, request: web.Request) -> Message:
        return self.messages.find(int(request.match_info["channel"]), int(request.match_info["message"]))

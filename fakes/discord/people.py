"""What people do in the stand-in's Discord: each act is an interaction that reaches the bot's gateway."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fakes.discord import payloads
from fakes.discord.gateway import Gateway
from fakes.discord.model import (
    GUEST_CHANNEL_ID,
    Account,
    Json,
    Message,
    Slash,
    Upload,
    channel_of,
    place_of,
    snowflake,
)
from fakes.discord.rest import Rest

MEMBER = Account(4000, "mia")


class People:
    """Runs commands, clicks buttons and submits forms."""

    def __init__(self, rest: Rest, gateway: Gateway, now: Callable[[], datetime]) -> None:
        self.rest = rest
        self.gateway = gateway
        self._now = now

    async def slash(
        self,
        account: Account = MEMBER,
        command: str = "vidu",
        *,
        guest: bool = False,
        server: int = 0,
        **options: Any,
    ) -> Slash:
        """Run a command as this person in one of the servers; a file is given as (name, bytes)."""
        given = {
            name: self.rest.messages.attach(Upload(*value)) if isinstance(value, tuple) else value
            for name, value in options.items()
        }
        channel_id = GUEST_CHANNEL_ID if guest else channel_of(server)

        def event(interaction_id: int, token: str) -> Json:
            return payloads.command_event(
                interaction_id, token, account, command, given, channel_id=channel_id
            )

        return await self._send(event, account, channel_id)

    async def submit(
        self, opened: Slash, files: Sequence[tuple[str, bytes]] = (), account: Account = MEMBER, **typed: Any
    ) -> Slash:
        """Submit the window that was opened, with these files and what is typed."""
        modal = opened.modal
        assert modal is not None, "no window was opened"
        given = typed | {"files": [self.rest.messages.attach(Upload(*file)) for file in files]}

        def event(interaction_id: int, token: str) -> Json:
            return payloads.answer_event(interaction_id, token, account, modal, given)

        return await self._send(event, account, opened.channel_id)

    async def press(self, message: Message, custom_id: str, account: Account = MEMBER) -> Slash:
        """Press a button of a message."""

        def event(interaction_id: int, token: str) -> Json:
            return payloads.press_event(interaction_id, token, account, message, custom_id)

        return await self._send(event, account, message.channel_id, message)

    async def odd(self, like: Slash, change: Callable[[Json], None], account: Account | None = None) -> Slash:
        """Deliver an interaction like this one, with something changed."""

        def event(interaction_id: int, token: str) -> Json:
            changed = copy.deepcopy(like.event) | {"id": str(interaction_id), "token": token}
            if account is not None:
                changed["member"]["user"] = account.payload()
            change(changed)
            return changed

        return await self._send(event, account or Account(like.user_id, "mia"), like.channel_id)

    async def _send(
        self,
        build: Callable[[int, str], Json],
        account: Account,
        channel_id: int,
        pressed: Message | None = None,
    ) -> Slash:
        interaction_id = snowflake()
        token = f"interaction-token-{interaction_id}"
        event = build(interaction_id, token)
        slash = Slash(interaction_id, token, account.id, channel_id, event, self._now(), pressed=pressed)
        self.rest.interactions.slashes[token] = slash
        number, _ = place_of(channel_id)
        await self.gateway.dispatch("INTERACTION_CREATE", event, server=number)
        return slash

    async def repeat(self, slash: Slash) -> None:
        """Deliver the same interaction once more."""
        await self.gateway.dispatch("INTERACTION_CREATE", slash.event)

"""What the stand-in Discord remembers: calls, messages with their files, interactions, and faults to play."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatch
from typing import Any, Literal, Self

APPLICATION_ID = 1000
GUILD_ID = 2000
CHANNEL_ID = 3000
GUEST_GUILD_ID, GUEST_CHANNEL_ID = 2001, 3001  # a server that the bot is no member of
TOKEN = "fake-discord-token"
CHANNELS_APART = 10  # between the ids of two servers' channels
COMPONENTS_V2 = 1 << 15
EPHEMERAL = 1 << 6
LOADING = 1 << 7
DISCORD_EPOCH = 1420070400000  # milliseconds
VIDEO = re.compile(r"vidu-\d+(-\d+)?\.mp4")

Json = dict[str, Any]
_numbers = itertools.count(1)


def server_id(number: int) -> int:
    """Return the id of one of the servers; its number, modulo how many shards there are, is its shard."""
    return GUILD_ID + (number << 22)


def channel_of(number: int) -> int:
    """Return the id of the channel of one of the servers."""
    return CHANNEL_ID + number * CHANNELS_APART


def place_of(channel_id: int) -> tuple[int, int]:
    """Return the number of the server of a channel, and the server's id."""
    if channel_id == GUEST_CHANNEL_ID:
        return 0, GUEST_GUILD_ID
    number, beside = divmod(channel_id - CHANNEL_ID, CHANNELS_APART)
    number = 0 if beside or number < 0 or channel_id > CHANNEL_ID * CHANNELS_APART else number
    return number, server_id(number)


def snowflake() -> int:
    """Return a new id that holds the present moment, as Discord's do."""
    return (int(time.time() * 1000) - DISCORD_EPOCH << 22) + next(_numbers)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that Discord serves."""

    id: int
    name: str
    data: bytes
    url: str
    content_type: str | None = None
    description: str | None = None

    def payload(self) -> Json:
        """Return it as Discord writes it."""
        found: Json = {
            "id": str(self.id),
            "filename": self.name,
            "size": len(self.data),
            "url": self.url,
            "proxy_url": self.url,
        }
        if self.content_type:
            found["content_type"] = self.content_type
        if self.description:
            found["description"] = self.description
        return found


@dataclass(slots=True)
class Call:
    """One REST call that arrived."""

    method: str
    path: str  # without /api/v10
    json: Any
    files: list[Upload]
    authorization: str | None
    at: float = field(default_factory=time.monotonic)
    status: int | None = None  # None: no answer was given

    @property
    def has_video(self) -> bool:
        """Tell whether it uploads a finished video."""
        return any(VIDEO.fullmatch(file.name) for file in self.files)


@dataclass(slots=True)
class Message:
    """A message of the bot."""

    id: int
    channel_id: int
    content: str = ""
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    nonce: str | None = None
    edits: int = 0
    reference: Json | None = None
    asked: Slash | None = None

    @property
    def ephemeral(self) -> bool:
        """Tell whether only one member sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Tell whether it still is the placeholder of a deferred answer."""
        return bool(self.flags & LOADING)

    @property
    def videos(self) -> list[Attachment]:
        """Return the finished videos on it."""
        return [each for each in self.attachments if VIDEO.fullmatch(each.name)]

    @property
    def text(self) -> str:
        """Return everything that can be read on it."""
        return "\n".join([self.content, *_texts(self.components)])

    def payload(self) -> Json:
        """Return it as Discord writes it."""
        moment = datetime.fromtimestamp(((self.id >> 22) + DISCORD_EPOCH) / 1000, UTC).isoformat()
        urls = {f"attachment://{each.name}": each for each in self.attachments}
        return {
            "id": str(self.id),
            "channel_id": str(self.channel_id),
            "author": user_payload(APPLICATION_ID, "vidu", bot=True),
            "content": self.content,
            "timestamp": moment,
            "edited_timestamp": moment if self.edits else None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [each.payload() for each in self.attachments],
            "embeds": [],
            "components": _resolved(self.components, urls),
            "flags": self.flags,
            "pinned": False,
            "type": 0,
        }


@dataclass(slots=True)
class Slash:
    """A command that a member ran, and what came back."""

    id: int
    token: str
    user_id: int
    channel_id: int
    event: Json
    created: datetime  # on the clock that the token expires by
    sent: float = field(default_factory=time.monotonic)
    first_response: int | None = None  # its type
    answered_after: float | None = None  # seconds
    refused_responses: int = 0  # second first responses, and too late ones
    modal: Json | None = None  # the window that was opened
    pressed: Message | None = None  # the message whose button this is
    original: Message | None = None
    deleted: bool = False
    followups: list[Message] = field(default_factory=list)
    expired: bool = False
    dead_calls: int = 0  # with the expired token

    @property
    def text(self) -> str:
        """Return what the answer says."""
        return "" if self.original is None else self.original.text

    @property
    def videos(self) -> list[Attachment]:
        """Return the finished videos on the answer."""
        return [] if self.original is None else self.original.videos


Action = Literal["answer", "reset_before", "reset_after", "slow"]


@dataclass(slots=True)
class Fault:
    """How calls go wrong: with an answer, a broken connection, or late."""

    method: str
    path: str  # a shell pattern
    times: int
    status: int
    json: Json
    headers: dict[str, str]
    action: Action
    seconds: float
    when: Callable[[Call], bool]
    played: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)  # ends a slow answer before its time

    def fits(self, call: Call) -> bool:
        """Tell whether this call is to go wrong."""
        return (
            self.played < self.times
            and call.method == self.method
            and fnmatch(call.path, self.path)
            and self.when(call)
        )


class Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    """What Discord says to a call that it does not take."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.payload: Json = {"code": code, "message": message}


@dataclass(frozen=True, slots=True)
class Account:
    """A person in the simulated server."""

    id: int
    name: str

    def payload(self) -> Json:
        """Return the person as Discord writes it."""
        return user_payload(self.id, self.name)

    @classmethod
    def numbered(cls, number: int) -> Self:
        """Return one of many."""
        return cls(5000 + number, f"member{number}")


def user_payload(user_id: int, name: str, *, bot: bool = False) -> Json:
    """Return a user as Discord writes it."""
    return {
        "id": str(user_id),
        "username": name,
        "discriminator": "0",
        "global_name": name.title(),
        "avatar": None,
        "bot": bot,
    }


def walk(components: list[Json]) -> Iterator[Json]:
    """Yield every component, outer ones first."""
    for component in components:
        yield component
        yield from walk(component.get("components", []))
        if "accessory" in component:
            yield component["accessory"]


def media_urls(components: list[Json]) -> list[str]:
    """Return the links of all media that the components name."""
    found = []
    for component in walk(components):
        media = [item["media"] for item in component.get("items", [])]
        media += [component[name] for name in ("media", "file") if isinstance(component.get(name), dict)]
        found += [each["url"] for each in media]
    return found


def _texts(components: list[Json]) -> list[str]:
    return [str(each["content"]) for each in walk(components) if "content" in each]


def _resolved(value: Any, attachments: dict[str, Attachment]) -> Any:
    """Return components with the real links of the attachments they name."""
    if isinstance(value, list):
        return [_resolved(each, attachments) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: _resolved(each, attachments) for name, each in value.items()}
    if found.get("url") in attachments:
        link = attachments[found["url"]].url
        return {**found, "url": link, "proxy_url": link}
    return found

"""Types of settings that need more than a number or a choice; each checks what an operator wrote."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from bot.moderation.content_filter import read_file

UNLIMITED = "unlimited"
SNOWFLAKE_END = 2**64  # Discord's ids stay below it
SHARDS_MAX = 1024  # far more than any bot has, and few enough to connect within two hours
PAGE_URL_MAX = 512  # characters of a button's link [Discord]


def _number_or_unlimited(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == UNLIMITED else value


def _server_ids(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    words = value.replace(",", " ").split()
    # Nothing but commas is a mistake, and must not open the bot to every server.
    if not words or not all(_is_snowflake(word) for word in words):
        raise ValueError("must be server IDs (numbers), separated by commas or spaces")
    return frozenset(int(word) for word in words)


def _is_snowflake(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= 20 and 0 < int(word) < SNOWFLAKE_END


def _page(value: str) -> str:
    """Return the address of a page: Discord refuses a card whose button leads anywhere else."""
    value = value.strip()
    if len(value) > PAGE_URL_MAX:
        raise ValueError(f"must be at most {PAGE_URL_MAX} characters long")
    if not _is_page(value):
        raise ValueError("must be the address of a page that starts with https://")
    return value


def _is_page(value: str) -> bool:
    if any(character.isspace() or not character.isprintable() for character in value):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port  # which raises where it is no number
    except ValueError:
        return False
    host = parts.hostname or ""
    return parts.scheme == "https" and "." in host.strip(".") and "@" not in parts.netloc and port != 0


def _host(value: str) -> str:
    """Return an address of this machine, or a name of it."""
    if not re.fullmatch(r"[\w.:-]{1,255}", value.strip(), re.ASCII):
        raise ValueError("must be an address of this machine, such as 127.0.0.1")
    return value.strip()


def _filter_file(value: Path) -> Path:
    """Return the path of a file whose every entry can be used: a filter that isn't there protects nobody."""
    read_file(value)
    return value


Servers = Annotated[frozenset[int], BeforeValidator(_server_ids)]
Attempts = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_number_or_unlimited)]
Shards = Annotated[int, Field(ge=1, le=SHARDS_MAX)] | None
Page = Annotated[str, AfterValidator(_page)]
Host = Annotated[str, AfterValidator(_host)]
FilterFile = Annotated[Path, AfterValidator(_filter_file)]
Allowance = Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_number_or_unlimited)]

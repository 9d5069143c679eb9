"""What is stored about a member, and what became of the wish to erase it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredData:
    """How much is stored about a member."""

    videos: int = 0  # with a prompt, files and links
    running: int = 0  # of these: something is still to come
    oldest: datetime | None = None  # when the first of these was asked for
    counted: int = 0  # of which only the counts are left
    drafts: int = 0
    rules: int = 0  # that moderators made for just this member
    blocks: int = 0  # by moderators of servers
    references: int = 0  # pictures under a name
    erasing: bool = False  # the member asked for it, and something is left to do


@dataclass(frozen=True, slots=True)
class Export:
    """A file with what is stored about a member."""

    content: bytes
    left_out: int = 0  # of the oldest videos, which did not fit
    pictures: bytes = b""  # a ZIP file with those of all references
    pictures_left_out: bool = False  # they did not fit


@dataclass(frozen=True, slots=True)
class Erasure:
    """How many videos were erased, and how many follow once they have ended."""

    videos: int
    left: int

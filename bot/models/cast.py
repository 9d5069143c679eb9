"""Saved references: pictures that a member keeps under a name, and who may use them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.models.problems import FileFormat

NAME_MIN, NAME_MAX = 2, 24  # characters
PICTURES_MAX = 3  # of one reference
SIDE_MAX = 1280  # pixels of the longest side that is kept
PREVIEW_SIDE = 256  # pixels of the longest side of what lists show
PEOPLE_MAX = 25  # whom one reference can be shared with by name

AT = "@\uff20"  # what stands before a name; the second one is that of Chinese and Japanese keyboards
MASS_MENTIONS = {"everyone", "here"}  # Discord takes an `@` before these as its own
_MARKS, _MARKS_MAX = {"Mn", "Mc"}, 3  # several scripts need marks after a letter, none needs more of them
# Letters and marks that nobody sees: two names could look the same, or like nothing.
_INVISIBLE = {
    *"\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0",
    *map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))),
}


class NameProblem(StrEnum):
    """Why something can't be a name."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    MASS_MENTION = "mass_mention"


class BadName(Exception):  # noqa: N818 - it names what happened
    """Something that can't be the name of a reference."""

    def __init__(self, problem: NameProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def clean_name(typed: str) -> str:
    """Return a name as it is kept: letters and digits of any script, and hyphens inside. Raises BadName."""
    name = without_at(unicodedata.normalize("NFKC", typed))
    if len(name) < NAME_MIN:
        raise BadName(NameProblem.TOO_SHORT)
    if len(name) > NAME_MAX:
        raise BadName(NameProblem.TOO_LONG)
    if not _is_word(name):
        raise BadName(NameProblem.CHARACTERS)
    if name_key(name) in MASS_MENTIONS:
        raise BadName(NameProblem.MASS_MENTION)
    return name


def without_at(typed: str) -> str:
    """Return a name as it was typed, without the `@` that may stand before it."""
    name = typed.strip()
    return name[1:].lstrip() if name[:1] in {*AT} else name


def name_key(name: str) -> str:
    """Return what two names share that differ only in upper and lower case or in how they are encoded."""
    folded = unicodedata.normalize("NFD", name).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return unicodedata.normalize("NFKC", folded)


def _is_word(name: str) -> bool:
    """Tell whether a name begins and ends with a letter or a digit, and has nothing but these and hyphens."""
    marks = _MARKS_MAX  # nothing stands before the first character that a mark could belong to
    for character in name:
        category = unicodedata.category(character)
        if character in _INVISIBLE:
            return False
        if category in _MARKS:
            marks += 1
            if marks > _MARKS_MAX:
                return False
        elif category[0] == "L" or category == "Nd":
            marks = 0
        elif character == "-":
            marks = _MARKS_MAX
        else:
            return False
    return name[0] != "-" and name[-1] != "-"


class Sharing(StrEnum):
    """Who may use a reference. The values are stored, and part of the IDs of buttons."""

    PRIVATE = "private"  # only its owner
    PEOPLE = "people"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Share:
    """That others may use a reference: one person wherever they are, or everybody in one server."""

    level: Sharing
    target_id: int  # the person, or the server
    guild_id: int | None  # where it was shared, whose moderators can remove it
    agreed_by: int  # who said that they have the right to share the likeness
    agreed_at: datetime
    removed_by: int | None = None
    removed_at: datetime | None = None

    @property
    def is_removed(self) -> bool:
        """Tell whether nobody can use the reference through this any more."""
        return self.removed_at is not None


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """A picture of a reference, without its bytes."""

    position: int  # from 1
    format: FileFormat  # JPEG or PNG
    size: int  # bytes
    width: int  # pixels
    height: int  # pixels
    digest: str  # SHA-256 of the bytes, in hexadecimal digits


@dataclass(frozen=True, slots=True)
class SavedPicture:
    """A picture of a reference as it is kept."""

    info: PictureInfo
    content: bytes
    preview: bytes = b""  # a small JPEG or PNG of the same format, for lists


@dataclass(frozen=True, slots=True)
class SavedReference:
    """Pictures under a name."""

    id: int
    owner_id: int
    name: str
    created_at: datetime
    pictures: tuple[PictureInfo, ...] = ()
    shares: tuple[Share, ...] = ()  # those in force

    @property
    def size(self) -> int:
        """Return the bytes of all its pictures."""
        return sum(picture.size for picture in self.pictures)

    @property
    def sharing(self) -> Sharing:
        """Return the widest level at which it is shared."""
        levels = {share.level for share in self.shares if not share.is_removed}
        return next((level for level in (Sharing.SERVER, Sharing.PEOPLE) if level in levels), Sharing.PRIVATE)


@dataclass(frozen=True, slots=True)
class CastLimits:
    """How much a member may keep."""

    references: int = 10
    size: int = 20 * 1024 * 1024  # bytes of all their pictures


@dataclass(frozen=True, slots=True)
class OthersUse:
    """How often somebody else used a reference."""

    reference_id: int
    user_id: int
    times: int
    last_at: datetime


def usable_by(reference: SavedReference, user_id: int, guild_id: int | None) -> bool:
    """Tell whether a member may use a reference in a server; None stands for everywhere else."""
    return reference.owner_id == user_id or share_for(reference, user_id, guild_id) is not None


def share_for(reference: SavedReference, user_id: int, guild_id: int | None) -> Share | None:
    """Return what lets somebody else use a reference here; what was meant for them by name comes first."""
    found: Share | None = None
    for share in reference.shares:
        if share.is_removed:
            continue
        if share.level is Sharing.PEOPLE and share.target_id == user_id:
            return share
        if share.level is Sharing.SERVER and guild_id is not None and share.target_id == guild_id:
            found = share
    return found


def in_order(
    references: Iterable[SavedReference], user_id: int, guild_id: int | None
) -> list[SavedReference]:
    """Return references as a member finds them: their own, then those shared with them, then the server's."""
    return sorted(
        references,
        key=lambda reference: (
            _rank(reference, user_id, guild_id),
            name_key(reference.name),
            reference.id,
        ),
    )


def _rank(reference: SavedReference, user_id: int, guild_id: int | None) -> int:
    if reference.owner_id == user_id:
        return 0
    share = share_for(reference, user_id, guild_id)
    return 1 if share is not None and share.level is Sharing.PEOPLE else 2

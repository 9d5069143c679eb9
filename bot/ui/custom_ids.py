"""The ids of buttons and forms: what they ask for stands in them, so they mean the same after any restart.

They are in old messages: never change one.
"""

from __future__ import annotations

from enum import StrEnum

from bot.models.cast import Sharing

NUMBER_MAX = 2**63 - 1  # the largest number that the database's columns hold
_DIGITS_MAX = len(str(NUMBER_MAX))


class CardAction(StrEnum):
    """What a button of a card asks for. The values are part of the ids."""

    CANCEL = "cancel"
    AGAIN = "again"
    EDIT = "edit"
    CONTINUE = "continue"
    DELETE = "delete"
    SHOW = "show"
    DELETE_VIDEO = "delete-video"  # wherever its card is; `delete` is about the message it stands below
    CONFIRM_DELETE = "confirm-delete"
    KEEP = "keep"


class ModerationList(StrEnum):
    """A list that moderators turn the pages of. The values are part of the ids."""

    BLOCKED = "blocked"
    FILTER = "filter"
    CHANGES = "changes"


class PrivacyAction(StrEnum):
    """What a button below a question of `/privacy` asks for. The values are part of the ids."""

    ERASE = "erase"
    ERASE_SERVER = "erase-server"
    KEEP = "keep"


class Consent(StrEnum):
    """An answer to the question whether somebody may share a reference. The values are part of the ids."""

    YES = "yes"
    NO = "no"


SEARCH_MAX = 40  # characters; an id has 100 [Discord], and a character may count as two there

_CARD, _PAGE, _DRAFT = "vidu", "vidu-videos", "vidu-window"
_MODERATION, _PRIVACY = "vidu-moderation", "vidu-privacy"
_CAST, _CAST_SHARE, _CAST_MODAL = "vidu-cast", "vidu-cast-share", "vidu-cast-save"
_NEW = "new"  # of a form that was opened with nothing to keep

# What the ids of each kind of button look like.
CARD_BUTTON = rf"{_CARD}:(?P<action>{'|'.join(CardAction)}):(?P<job>[0-9]+)"
PAGE_BUTTON = rf"(?s:{_PAGE}:(?P<page>[0-9]+)(?::(?P<search>.+))?)"
MODERATION_PAGE = rf"{_MODERATION}:(?P<list>{'|'.join(ModerationList)}):(?P<page>[0-9]+)"
DRAFT_BUTTON = rf"{_DRAFT}:(?P<draft>[0-9]+)"
PRIVACY_BUTTON = rf"{_PRIVACY}:(?P<action>{'|'.join(PrivacyAction)})"
CAST_PAGE = rf"{_CAST}:(?P<page>[0-9]+)"
CONSENT_BUTTON = (
    rf"{_CAST_SHARE}:(?P<answer>{'|'.join(Consent)}):(?P<reference>[0-9]+)"
    rf":(?P<level>{Sharing.PEOPLE.value}|{Sharing.SERVER.value}):(?P<target>[0-9]+)"
)


def card_button_id(action: CardAction, job_id: int) -> str:
    """Return the id of a button of a job's card."""
    return f"{_CARD}:{action.value}:{job_id}"


def page_button_id(page: int, search: str = "") -> str:
    """Return the id of a button that leads to a page of a member's videos, or of a search in them."""
    return f"{_PAGE}:{page}:{search[:SEARCH_MAX]}" if search else f"{_PAGE}:{page}"


def moderation_page_id(which: ModerationList, page: int) -> str:
    """Return the id of a button that leads to a page of a moderators' list."""
    return f"{_MODERATION}:{which.value}:{page}"


def privacy_button_id(action: PrivacyAction) -> str:
    """Return the id of a button below a question of `/privacy`."""
    return f"{_PRIVACY}:{action.value}"


def cast_page_id(page: int) -> str:
    """Return the id of a button that leads to a page of references."""
    return f"{_CAST}:{page}"


def consent_button_id(answer: Consent, reference_id: int, level: Sharing, target_id: int) -> str:
    """Return the id of an answer to the question whether somebody may share a reference with others."""
    return f"{_CAST_SHARE}:{answer.value}:{reference_id}:{level.value}:{target_id}"


def cast_modal_id(draft_id: int) -> str:
    """Return the id of the form that asks for the name of pictures that were kept as a draft."""
    return f"{_CAST_MODAL}:{draft_id}"


def is_cast_modal(custom_id: str) -> bool:
    """Tell whether this is the id of such a form."""
    return custom_id.startswith(f"{_CAST_MODAL}:")


def draft_button_id(draft_id: int) -> str:
    """Return the id of a button that opens a draft again."""
    return f"{_DRAFT}:{draft_id}"


def modal_id(draft_id: int | None) -> str:
    """Return the id of the form of a draft, or of one that nothing was kept for."""
    return f"{_DRAFT}:{_NEW if draft_id is None else draft_id}"


def is_modal(custom_id: str) -> bool:
    """Tell whether this is the id of one of our forms."""
    return custom_id.startswith(f"{_DRAFT}:")


def draft_id_of(custom_id: str) -> int | None:
    """Return which draft a form was opened with, or None where nothing was kept for it."""
    number = custom_id.partition(":")[2]
    return number_in(number) if number.isdecimal() else None


def number_in(digits: str) -> int:
    """Return the number in an id; 0, which nothing of ours has, where it is too long to be one."""
    number = int(digits) if len(digits) <= _DIGITS_MAX else 0
    return number if number <= NUMBER_MAX else 0

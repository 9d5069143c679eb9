"""Sentences in the reader's language: gettext, with English as the language of the source.

Write `_("Hello {name}").format(name=name)`: the text that is looked up must be the text in the source.
"""

from __future__ import annotations

from contextvars import ContextVar
from gettext import NullTranslations

_translations: ContextVar[NullTranslations | None] = ContextVar("translations", default=None)


def gettext(message: str) -> str:
    """Return a sentence in the current language."""
    translations = _translations.get()
    return message if translations is None else translations.gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of a sentence that goes with this number, in the current language."""
    translations = _translations.get()
    if translations is None:
        return singular if number == 1 else plural
    return translations.ngettext(singular, plural, number)


def N_(message: str) -> str:  # noqa: N802 - the name that extraction tools know
    """Mark a sentence of a constant for translation; it is looked up where it is shown."""
    return message


_ = gettext

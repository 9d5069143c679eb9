"""Sentences in the reader's language: gettext, with English as the language of the source.

Write `_("Hello {name}").format(name=name)`: the text that is looked up must be the text in the source. Which
language it is decided where an answer, a card or an entry of a log begins: `with speaking(language):`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from bot.models.languages import Language
from bot.ui.catalogs import catalog

# What begins in the background inherits it, so whoever writes for others there says for whom.
_language: ContextVar[Language] = ContextVar("language", default=Language.ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let every sentence that is made in this block be in a language."""
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def current_language() -> Language:
    """Return the language in which sentences are made right now."""
    return _language.get()


def gettext(message: str) -> str:
    """Return a sentence in the current language."""
    language = _language.get()
    # The catalogs keep what is said about themselves under the empty text.
    return message if language is Language.ENGLISH or not message else catalog(language).gettext(message)


def pgettext(context: str, message: str) -> str:
    """Return a word in the current language that means different things in different places."""
    language = _language.get()
    return message if language is Language.ENGLISH else catalog(language).pgettext(context, message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of a sentence that goes with this number, in the current language."""
    return catalog(_language.get()).ngettext(singular, plural, number)


def N_(message: str) -> str:  # noqa: N802 - the name that extraction tools know
    """Mark a sentence of a constant for translation; it is looked up where it is shown."""
    return message


_ = gettext

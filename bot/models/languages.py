"""The languages that the bot speaks, and which of them a locale of Discord asks for."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language of the bot. The values are stored, and name the folders of the catalogs."""

    ENGLISH = "en"
    PORTUGUESE = "pt_BR"
    SPANISH = "es_419"
    FRENCH = "fr"
    GERMAN = "de"
    RUSSIAN = "ru"
    JAPANESE = "ja"
    KOREAN = "ko"


# By Discord's name of the locale. All others are answered in English.
LOCALES = {
    "en-US": Language.ENGLISH,
    "en-GB": Language.ENGLISH,
    "pt-BR": Language.PORTUGUESE,
    "es-419": Language.SPANISH,
    "es-ES": Language.SPANISH,
    "fr": Language.FRENCH,
    "de": Language.GERMAN,
    "ru": Language.RUSSIAN,
    "ja": Language.JAPANESE,
    "ko": Language.KOREAN,
}


def language_of(locale: object) -> Language:
    """Return the language for a locale as Discord names it; English for one that the bot doesn't speak."""
    return LOCALES.get(str(locale), Language.ENGLISH)


def stored_language(value: str) -> Language:
    """Return the language of a stored value; English for one that this version doesn't know."""
    return Language(value) if value in set(Language) else Language.ENGLISH

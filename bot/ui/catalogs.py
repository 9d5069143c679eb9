"""The translated sentences of each language, read when the first of them is needed."""

from __future__ import annotations

import hashlib
import logging
from contextlib import suppress
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from bot.models.languages import Language

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "locales"
DOMAIN = "vidu"


def catalog_path(language: Language) -> Path:
    """Return where the compiled catalog of a language is."""
    return FOLDER / language.value / "LC_MESSAGES" / f"{DOMAIN}.mo"


def languages() -> list[Language]:
    """Return the languages that people can choose: English, and those with a catalog."""
    return [
        language for language in Language if language is Language.ENGLISH or catalog_path(language).is_file()
    ]


def fingerprints() -> dict[str, str]:
    """Return what changes with the catalog of a language, for each that has one that can be read."""
    found = {}
    for language in languages():
        with suppress(OSError):
            found[language.value] = hashlib.sha256(catalog_path(language).read_bytes()).hexdigest()
    return found


@cache
def catalog(language: Language) -> NullTranslations:
    """Return the sentences of a language, kept from then on."""
    return read_catalog(language)


def read_catalog(language: Language) -> NullTranslations:
    """Read the sentences of a language; where that fails, the log says so, and they stay in English."""
    if language is Language.ENGLISH:
        return NullTranslations()
    try:
        with catalog_path(language).open("rb") as file:
            return GNUTranslations(file)
    except Exception as error:
        # A damaged file raises whatever its bytes lead to, and nobody may wait in vain for an answer.
        log.error("The catalog %r can't be read (%s): English is used instead", language.value, error)
        return NullTranslations()

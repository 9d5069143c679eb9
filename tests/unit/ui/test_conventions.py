"""Numbers, plurals and lists in each language, compared with Babel's data of the Unicode CLDR."""

from __future__ import annotations

import pytest
from babel import Locale
from babel.lists import format_list
from babel.messages.plurals import get_plural
from babel.numbers import format_decimal, format_percent

from bot.models.languages import LOCALES, Language, language_of, stored_language
from bot.ui import formatting
from bot.ui.conventions import conventions_of
from bot.ui.translator import current_language, gettext, speaking
from tests import translations

every = pytest.mark.parametrize("language", Language)


@every
@pytest.mark.parametrize("value", [0, 7, 1000, 12_345, 1_234_567, 0.5, 1234.5])
def test_numbers_are_written_as_in_cldr(language: Language, value: float) -> None:
    with speaking(language):
        assert formatting.decimal(value) == format_decimal(value, locale=language.value)
        if isinstance(value, int):
            assert formatting.number(value) == format_decimal(value, locale=language.value)


@every
def test_percents_are_written_as_in_cldr(language: Language) -> None:
    with speaking(language):
        assert formatting.percent(75) == format_percent(0.75, locale=language.value)


@every
def test_lists_have_the_comma_of_their_language(language: Language) -> None:
    with speaking(language):
        beginning = formatting.listed(["a", "b"])
    assert format_list(["a", "b", "c"], locale=language.value).startswith(beginning)


@pytest.mark.parametrize(
    ("language", "labeled", "bracketed"),
    [
        (Language.ENGLISH, "a: b", "a (b)"),
        (Language.FRENCH, "a\u00a0: b", "a (b)"),
        (Language.JAPANESE, "a: b", "a（b）"),
        (Language.KOREAN, "a: b", "a(b)"),
    ],
)
def test_colons_and_brackets_stand_as_their_language_has_them(
    language: Language, labeled: str, bracketed: str
) -> None:
    with speaking(language):
        assert formatting.labeled("a", "b") == labeled
        assert formatting.bracketed("a", "b") == bracketed


@every
@pytest.mark.parametrize("value", [0.5, 1.5, 2.5, 5.5, 11.5, 21.5])
def test_a_fraction_has_the_form_of_a_number_that_goes_with_it(language: Language, value: float) -> None:
    """What CLDR calls the form of a fraction has in gettext only numbers to stand for it."""
    signs = conventions_of(language)
    stands_for = 1 if signs.singular_below_two and value < 2 else signs.fraction_like
    rule = Locale.parse(language.value).plural_form
    # In Russian a fraction goes with the genitive singular, as two does.
    expected = {"ru": "few"}.get(language.value, rule(value))
    assert rule(stands_for) == expected


@pytest.mark.parametrize("language", translations.translated())
def test_plurals_are_those_of_cldr(language: Language) -> None:
    found = translations.read_po(language)
    assert (found.num_plurals, found.plural_expr) == get_plural(language.value)


def test_german_numbers_and_plurals() -> None:
    with speaking(Language.GERMAN):
        assert formatting.seconds(1) == "1 Sekunde"
        assert formatting.seconds(1.5) == "1,5 Sekunden"
        assert formatting.seconds(1200) == "1.200 Sekunden"
        assert formatting.megabytes(20 * 1024**2 + 1) == "20,1 MB"
        assert gettext("") == ""


def test_a_language_ends_with_its_block() -> None:
    with speaking(Language.GERMAN), speaking(Language.ENGLISH):
        assert formatting.videos(2) == "2 videos"
    assert current_language() is Language.ENGLISH


def test_an_unknown_locale_is_english() -> None:
    assert {locale: language_of(locale) for locale in LOCALES} == LOCALES
    assert language_of("es-ES") is Language.SPANISH
    for locale in (None, "", "xx", "nl", "DE"):
        assert language_of(locale) is Language.ENGLISH
    assert stored_language("de") is Language.GERMAN
    assert stored_language("tlh") is Language.ENGLISH

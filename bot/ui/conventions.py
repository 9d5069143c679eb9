"""How numbers and lists are written in each language [Unicode CLDR; a test compares them with Babel's]."""

from __future__ import annotations

from dataclasses import dataclass

from bot.models.languages import Language


@dataclass(frozen=True, slots=True)
class Conventions:
    """What differs between languages in places where no sentence stands."""

    thousands: str = ","
    decimal: str = "."
    comma: str = ", "  # between the items of a list
    gap: str = " "  # between two sentences
    # Which whole number has the same form of the word as 2.5: "2.5 seconds", in Russian "2,5 секунды".
    fraction_like: int = 2
    # Whether 1.5 goes with the singular, as in French "1,5 seconde".
    singular_below_two: bool = False


_ENGLISH = Conventions()
_CONVENTIONS = {
    Language.PORTUGUESE: Conventions(thousands=".", decimal=",", singular_below_two=True),
    Language.FRENCH: Conventions(thousands="\u202f", decimal=",", singular_below_two=True),
    Language.GERMAN: Conventions(thousands=".", decimal=","),
    Language.RUSSIAN: Conventions(thousands="\u00a0", decimal=","),
    Language.JAPANESE: Conventions(comma="、", gap=""),
}


def conventions_of(language: Language) -> Conventions:
    """Return how numbers and lists are written in a language."""
    return _CONVENTIONS.get(language, _ENGLISH)

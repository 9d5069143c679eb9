"""Texts as a filter compares them: spelled in one way, however somebody typed them."""

from __future__ import annotations

import re
import unicodedata

# What is not seen: soft hyphens and all other format characters are of the category Cf; these are not.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_UNSEEN_CATEGORIES = {"Cf", "Cs", "Co", "Cn"}  # format, halves of pairs, private use, unassigned
# Accents and what else can be piled upon a letter; marks that spell words in other scripts stand elsewhere.
_ACCENTS = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_SPACE = re.compile(r"\s+")

# Letters of other scripts that look like Latin ones, in lower case [Unicode confusables, the common part].
_LETTERS = str.maketrans(
    {
        "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ғ": "f", "һ": "h", "н": "h", "і": "i",
        "ј": "j", "к": "k", "ӏ": "l", "м": "m", "о": "o", "р": "p", "ԛ": "q", "ѕ": "s", "т": "t",
        "ѵ": "v", "ԝ": "w", "х": "x", "у": "y", "ү": "y",
        "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
        "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ω": "w", "ϲ": "c", "ϳ": "j",
        "ı": "i", "ɑ": "a", "ɡ": "g", "ɩ": "i", "ʀ": "r", "ʏ": "y", "ł": "l", "ø": "o", "đ": "d",
    }
)  # fmt: skip
# Digits and signs that stand for letters; words are compared with them replaced, patterns without.
_SIGNS = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"})


def simplify(text: str) -> str:
    """Return a text in lower case and one form of each character, without what cannot be seen."""
    # Twice: folding the case of one character can give another that has a simpler form, and so on.
    return _simplify_once(_simplify_once(text))


def fold_letters(text: str) -> str:
    """Return a simplified text whose letters without accents are Latin wherever they look like it."""
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", simplify(text)))
    return simplify(bare.translate(_LETTERS))


def skeleton(text: str) -> str:
    """Return what is left of a text when all that look alike are the same, digits and signs as well."""
    return fold_letters(fold_letters(text).translate(_SIGNS))


def _simplify_once(text: str) -> str:
    seen = "".join(
        character for character in text if unicodedata.category(character) not in _UNSEEN_CATEGORIES
    )
    folded = unicodedata.normalize("NFKC", _INVISIBLE.sub("", seen)).casefold()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", folded)).strip()

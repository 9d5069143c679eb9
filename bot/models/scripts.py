"""Scripts in which one word follows another without a space, as in Japanese, Chinese, Thai and Khmer."""

from __future__ import annotations

import unicodedata

# What the Unicode names of their characters begin with. Korean has spaces, but its particles follow a name
# at once.
_WITHOUT_SPACES = (
    "CJK UNIFIED IDEOGRAPH-",
    "CJK COMPATIBILITY IDEOGRAPH-",
    "IDEOGRAPHIC ",
    "HIRAGANA ",
    "KATAKANA ",
    "KATAKANA-HIRAGANA ",
    "HALFWIDTH KATAKANA",
    "BOPOMOFO ",
    "YI ",
    "HANGUL ",
    "THAI ",
    "LAO ",
    "KHMER ",
    "MYANMAR ",
    "TAI LE ",
    "NEW TAI LUE ",
    "TAI THAM ",
    "TAI VIET ",
    "JAVANESE ",
    "BALINESE ",
)
# Letters that only go on with what stands before them, by a part of their Unicode names: small kana, marks
# of length and repetition, and the later parts of a Korean syllable.
_GOES_ON = (" SMALL ", " MARK", "HANGUL JUNGSEONG", "HANGUL JONGSEONG")
_PARTICLE = " SMALL TU"  # but this one also begins words: Japanese quotes with "tte"
_VOWELS = frozenset("\u0e30\u0e32\u0e33\u0e45\u0eb0\u0eb2\u0eb3\u0ebd")  # of Thai and Lao, after a consonant


def is_without_spaces(character: str) -> bool:
    """Tell whether a letter is of a script in which words stand together without spaces."""
    return unicodedata.name(character, "").startswith(_WITHOUT_SPACES)


def may_begin_word(character: str) -> bool:
    """Tell whether another word may begin with a letter although no space stands before it."""
    name = unicodedata.name(character, "")
    if not name.startswith(_WITHOUT_SPACES) or unicodedata.category(character)[0] != "L":
        return False
    if name.endswith(_PARTICLE):
        return True
    return character not in _VOWELS and not any(part in name for part in _GOES_ON)

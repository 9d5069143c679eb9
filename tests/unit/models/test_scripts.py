"""Scripts without spaces: which letters are of one, and where another word may begin in them."""

from __future__ import annotations

import pytest

from bot.models.scripts import is_without_spaces, may_begin_word


@pytest.mark.parametrize("character", [*"走がガｶ々ー〇ㄅ가กကກកꦲ"])
def test_scripts_in_which_words_stand_together(character: str) -> None:
    assert is_without_spaces(character)


@pytest.mark.parametrize("character", [*"aéßлשعह1２_ .-@", "ａ", "\ue000", "😀"])
def test_anything_else_stands_apart(character: str) -> None:
    assert not is_without_spaces(character)
    assert not may_begin_word(character)


@pytest.mark.parametrize("character", [*"走がガ가กเກກ្ក"[:7], "っ", "ッ", "\u1100"])
def test_a_word_may_begin_with_these(character: str) -> None:
    assert may_begin_word(character)


@pytest.mark.parametrize(
    "character",
    [
        *"ゃャーｬゝ々",  # small kana, marks of length and repetition
        "\uff9e",  # a voiced sound mark
        "\u0e32",  # a vowel of Thai
        "\u0e34",  # and one above its consonant
        "\u0eb3",  # one of Lao
        "\u17d2",  # what joins two letters of Khmer
        "\u1161",  # the middle of a Korean syllable, and its end
        "\u11a8",
    ],
)
def test_no_word_begins_in_the_middle_of_a_syllable(character: str) -> None:
    assert is_without_spaces(character)
    assert not may_begin_word(character)

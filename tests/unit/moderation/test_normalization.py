"""However somebody types a word, a filter compares the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.moderation.normalization import fold_letters, simplify, skeleton

ANY = st.text(max_size=60)
HIDDEN = st.sampled_from(["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\ufe0f", "\U000e0041"])


@pytest.mark.parametrize("normalize", [simplify, fold_letters, skeleton])
@given(text=ANY)
def test_what_is_normalized_stays_as_it_is(normalize, text: str) -> None:  # type: ignore[no-untyped-def]
    once = normalize(text)
    assert normalize(once) == once


@given(text=ANY)
def test_the_form_of_unicode_makes_no_difference(text: str) -> None:
    forms = {simplify(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert len(forms) == 1


@given(text=st.text(st.characters(codec="ascii"), max_size=60))
def test_case_makes_no_difference(text: str) -> None:
    assert skeleton(text.upper()) == skeleton(text.lower()) == skeleton(text)


@given(words=st.lists(st.text("abcdefxyz", min_size=1), min_size=1, max_size=4), hidden=HIDDEN)
def test_what_cannot_be_seen_makes_no_difference(words: list[str], hidden: str) -> None:
    text = " ".join(words)
    assert simplify(hidden.join(text)) == text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ＦＯＸ", "fox"),
        ("fоx", "fox"),
        ("f\u200bo\u200dx", "fox"),
        ("𝓯𝓸𝔁", "fox"),
        ("f0x", "fox"),
        ("fo\u0336x", "fox"),
        ("fòx", "fox"),
        ("$t@r", "star"),
        ("  a \n\t fox ", "a fox"),
        ("\ud800fox", "fox"),
    ],
)
def test_look_alikes_are_the_same(typed: str, meant: str) -> None:
    assert skeleton(typed) == skeleton(meant)


def test_marks_that_spell_words_in_other_scripts_stay() -> None:
    assert skeleton("कुल") != skeleton("कल")

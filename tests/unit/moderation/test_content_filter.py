"""Whole words and patterns, whatever somebody does to hide them."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import pytest

from bot.models.moderation import ENTRY_MAX, EntryKind, FilterEntry
from bot.moderation.content_filter import BadEntry, ContentFilter, check_entry, read_entries


def hits(text: str, *entries: FilterEntry) -> list[str]:
    checked = [check_entry(entry) for entry in entries]
    return [entry.text for entry in ContentFilter(checked).hits(text)]


def pattern(text: str) -> FilterEntry:
    return FilterEntry(text, EntryKind.PATTERN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a fox", True),
        ("FOX!", True),
        ("(f0x)", True),
        ("f\u200box", True),
        ("foxes", False),
        ("a firefox", False),
        ("fox_den", False),
        ("fo x", False),
        ("", False),
    ],
)
def test_a_word_is_found_as_a_whole(text: str, found: bool) -> None:
    assert hits(text, FilterEntry("fox")) == (["fox"] if found else [])


def test_several_words_are_found_in_a_row() -> None:
    entry = FilterEntry("Red  Fox")
    assert hits("the red, fox", entry) == ["red fox"]
    assert hits("the red\nfox", entry) == ["red fox"]
    assert hits("the red old fox", entry) == []


def test_words_of_other_scripts_are_found() -> None:
    assert hits("это Лиса!", FilterEntry("лиса")) == ["лиса"]
    assert hits("這是狐狸", pattern("狐狸")) == ["狐狸"]


def test_a_pattern_is_found_anywhere_in_any_case() -> None:
    assert hits("Firefoxes", pattern(r"fox(es)?\b")) == [r"fox(es)?\b"]
    assert hits("FОХ", pattern("fox")) == ["fox"]
    assert hits("лиса", pattern("ЛИС.")) == ["ЛИС."]
    assert hits("room 2024", pattern(r"\d{4}")) == [r"\d{4}"]


def test_every_entry_that_is_found_is_named_in_order() -> None:
    assert hits("fox and lynx", FilterEntry("lynx"), FilterEntry("owl"), pattern("f.x")) == ["lynx", "f.x"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (FilterEntry("   "), "empty"),
        (FilterEntry("\u200b"), "empty"),
        (FilterEntry("..."), "no letter"),
        (FilterEntry("x" * (ENTRY_MAX + 1)), "longer than 200 characters"),
        (pattern("(fox"), "missing )"),
        (pattern("(?<=a)b"), "invalid perl operator"),
        (pattern(r"(a)\1"), "invalid escape sequence"),
        (pattern("(((a{100}){100}){100})"), "invalid repetition size"),
        (pattern("x*"), "refuse everything"),
        (pattern("\ud800"), "can't be saved"),
    ],
)
def test_an_entry_that_cannot_be_used_says_why(entry: FilterEntry, reason: str) -> None:
    with pytest.raises(BadEntry, match=re.escape(reason)):
        check_entry(entry)


def test_no_pattern_takes_long() -> None:
    began = time.monotonic()
    assert hits("a" * 4000 + "!", pattern("(a+)+$"), pattern("(a|aa)+$")) == []
    assert time.monotonic() - began < 2  # Python's own `re` would take longer than anybody lives


def test_a_file_has_an_entry_a_line() -> None:
    text = "\ufeff# words\nFox\n\n  red fox  \n/f.x/\nfox\n"
    assert read_entries(text) == [FilterEntry("fox"), FilterEntry("red fox"), pattern("f.x")]
    with pytest.raises(BadEntry, match="line 2 that can't be used: missing"):
        read_entries("fox\n/(/\n")


def test_without_a_pattern_its_library_is_not_loaded() -> None:
    code = (
        "import sys\n"
        "from bot.models.moderation import FilterEntry\n"
        "from bot.moderation.content_filter import ContentFilter, check_entry\n"
        "assert ContentFilter([check_entry(FilterEntry('fox'))]).hits('a fox')\n"
        "assert 're2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

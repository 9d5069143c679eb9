"""What members wrote is shown as it is, and is nothing but text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.models.requests import clean_prompt
from bot.models.states import State
from bot.ui.cards import card
from bot.ui.plain_text import BREAK, plain, shorten
from bot.ui.video_list import video_list
from tests.unit.ui.test_cards import new_job, words
from tests.unit.ui.test_video_list import QUOTA

# How Discord reads a message, as far as it makes more of it than text; in its order.
_ESCAPED = re.compile(r"\\([^0-9A-Za-z\s])")
_MORE_THAN_TEXT = re.compile(
    r"""<[^:\s>]+:/[^\s>]+>                                  # <link>, also of other programs
    | <(?:mailto:|\+|[^\s@<>]+@)[^\s>]+>                     # <address>, <phone>
    | (?:https?|steam|discord|ftp)://[^\s<]                  # link
    | (?:discord\.gg|discord(?:app)?\.com/invite)/\w         # invitation, also without a scheme
    | www\.\w
    | \[[^\]]+\]\([^)]+\)                                    # [masked](link)
    | @everyone | @here | <(?:@[!&]?|\#)\d+> | <id:\w+>      # mentions
    | <t:-?\d+(?::\w)?> | <a?:\w+:\d+> | </[^>]+:\d+>        # time, emoji, command
    | [*_~`|]                                                # format
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LINE = re.compile(r"^\s*(?:[-*+]\s|-\#|\d+[.)]\s|\#{1,3}\s|>\s|>>>)", re.MULTILINE)


def read(text: str) -> tuple[str, list[str]]:
    """Return what a reader sees of a text, and what Discord would make more of than text."""
    shown, found = "", [match[0] for match in _LINE.finditer(text)]
    position = 0
    while position < len(text):
        if escaped := _ESCAPED.match(text, position):
            shown += escaped[1]
            position = escaped.end()
            continue
        if match := _MORE_THAN_TEXT.match(text, position):
            found.append(match[0])
        shown += text[position]
        position += 1
    return shown.replace(BREAK, ""), found


LINKS = (
    "https://evil.example",
    "http://evil.example/a_b?c=*d*",
    "HTTPS://EVIL.EXAMPLE",
    "<https://evil.example>",
    "[prize](https://evil.example)",
    "[prize](<https://evil.example> 'look')",
    "[prize\n](https://evil.example)",
    "**https://evil.example**",
    "||https://evil.example||",
    "`https://evil.example`",
    "\\https://evil.example",
    "\\<https://evil.example>",
    "https:\\//evil.example",
    "ht\u200bt\u200bps:\u2060//evil.example",
    "https:/\u200b/evil.example",
    "www.evil.example",
    "discord.gg/abc",
    "dis\u200bcord.gg/abc",
    "discord.com/invite/abc",
    "https://discord.gg/abc",
    "discord://-/channels/1/2",
    "<discord://-/settings>",
    "steam://run/440",
    "<mailto:mia@evil.example>",
    "<mia@evil.example>",
    "<+15551234567>",
)
OTHERS = (
    "@everyone and @here",
    "<@123456789012345678> <@&1> <#1> <id:browse>",
    "<t:1700000000:R> <t:0>",
    "<:fox:1> <a:fox:1> </vidu:1>",
    "# heading",
    "> quote",
    ">>> quote",
    "- list\n-# small\n1. one\n2) two\n+ plus\n* star",
    "_a_ __b__ ~~c~~ ||d|| ```e```",
    "¯\\_(ツ)_/¯",
)
pieces = st.sampled_from((*LINKS, *OTHERS, " ", "\n", "\\", "[", "](", ")", "<", ">", ":", "/", "//", "."))
prompts = st.lists(pieces | st.text(max_size=8), max_size=8).map("".join).map(clean_prompt)


@pytest.mark.parametrize("text", [*LINKS, *OTHERS])
def test_each_trick_is_only_text(text: str) -> None:
    assert read(clean_prompt(text)) != (clean_prompt(text), []), "the test must know the trick"
    shown, found = read(plain(clean_prompt(text)))
    assert found == []
    assert shown == clean_prompt(text)


@given(prompts)
@example("https://https://evil.example")
@example("a.b.c.d/e://f")
@example("https\u200c://evil.example")
@example("\\")
def test_nothing_that_a_member_writes_is_more_than_text(prompt: str) -> None:
    shown, found = read(plain(prompt))
    assert found == []
    assert shown == prompt


@given(prompts, st.integers(min_value=2, max_value=200))
def test_a_cut_prompt_is_only_text_and_at_most_doubles(prompt: str, limit: int) -> None:
    cut = shorten(prompt, limit)
    assert len(cut) <= limit + 1
    assert "\n" not in cut
    assert read(plain(cut)) == (cut.replace(BREAK, ""), [])
    assert len(plain(cut)) <= 2 * len(cut)


def test_words_stay_as_they_are() -> None:
    text = "The fox (from image 1) runs: 10% faster than the dog's well-known best; why not?"
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("one two three", "one two…"),
        ("one two", "one two"),
        ("onetwothree", "onetwothr…"),
        ("a onetwothree", "a onetwot…"),
        ("one\n\n two", "one two"),
    ],
)
def test_a_long_text_is_cut_at_a_word_unless_that_is_far_away(text: str, cut: str) -> None:
    assert shorten(text, 9) == cut


@given(prompts.filter(str.strip), st.sampled_from(State), st.booleans())
def test_no_card_and_no_list_makes_more_of_a_prompt(prompt: str, state: State, keeps: bool) -> None:
    job = new_job(state)
    location = replace(job.location, keeps_references=keeps)
    job = replace(job, request=replace(job.request, prompt=prompt), location=location)
    for view in (card(job), video_list([job], 1, 1, QUOTA)):
        # On a card a prompt is a quote, in the list it is a title.
        lines = [line for line in words(view).splitlines() if line.startswith(("> ", "**"))]
        quoted = lines[0][2:].removesuffix("**")
        shown, found = read(quoted)
        assert found == []
        assert " ".join(prompt.split()).startswith(shown.removesuffix("…"))

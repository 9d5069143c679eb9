"""What no text of the bot may hold: a number with the wrong form, an unfilled gap, a retired phrase."""

from __future__ import annotations

import re

_GAP = re.compile(r"[{}]|%\(|\bNone\b")
_WRONG_PLURAL = re.compile(r"(?<![\d.,])1 (?:seconds|minutes|videos|requests|things)\b")
_WRONG_SINGULAR = re.compile(r"(?:\b0|[2-9]|\d1) (?:second|minute|video|request|thing)\b")
_FOR_EVER = re.compile(r"\bfor ever\b", re.IGNORECASE)
# Lower case; each was replaced by something plainer.
RETIRED = (
    "has it back",
    "need a change",
    "is needed: attach",
    "is no whole number",
    "there is room for it",
    "does not fit at all",
    "joined the line",
    "asked <t:",
    "it comes by direct message",
    "names the reason",
    "wants a pause",
    "you need not",
    "nobody knows",
    "no video this time",
    "there is news",
    "it counts from now on",
    "starts afresh",
    "next frees",
    "to the card",
    "who has made most lately",
    "i am no member",
    "gmi cloud",  # members know it as the provider
    "cancelled",
    "mib",
)


def assert_reads_well(text: str) -> None:
    assert text.strip(), "nothing is said"
    for pattern in (_GAP, _WRONG_PLURAL, _WRONG_SINGULAR, _FOR_EVER):
        assert not pattern.search(text), text
    for words in RETIRED:
        assert words not in text.lower(), text
    assert "  " not in text, text

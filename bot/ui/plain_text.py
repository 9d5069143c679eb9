"""Members' own words, shown so that they are nothing but text: no format, link, ping, time or emoji.

A message of a bot passes by the filters that a server has set for its members, so a link in a prompt must not
become one that people can click.
"""

from __future__ import annotations

import re

# Nothing to see, and what stands on both sides of it no longer belongs together. Where a line is too long
# for the screen it may break there.
BREAK = "\u200b"

# Discord shows the character after a backslash as it is, if it is punctuation. These begin a format, a masked
# link, <...> (links, mentions, times, emoji, commands), a quote or a heading.
_MARKUP = re.compile(r"[\\`*_~|<>\[\]#]")
_LIST = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))", re.MULTILINE)  # what begins a line of a list, or small print
# A link needs its scheme and a slash side by side, an invitation the dots of its address.
_LINK = re.compile(r"(?<=:)(?=[/\\])|(?<=\w)(?=\.\w)|(?<=@)")


def plain(text: str) -> str:
    """Return a text that Discord shows character for character, and that leads nowhere."""
    text = _LINK.sub(BREAK, text)
    text = _MARKUP.sub(r"\\\g<0>", text)
    return _LIST.sub(_escape_list, text)


def shorten(text: str, limit: int) -> str:
    """Return a text on one line, cut at a word where it is longer than so many characters."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[:limit]
    return (head.rsplit(" ", 1)[0] if " " in head[limit // 2 :] else head).rstrip() + "…"


def _escape_list(match: re.Match[str]) -> str:
    space, sign = match.groups()
    return f"{space}\\{sign}" if not sign[0].isdigit() else f"{space}{sign}\\"

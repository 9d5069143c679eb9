"""Names of members' files, made safe to show."""

from __future__ import annotations

import re

NAME_MAX = 40  # characters: longer names push the rest of a sentence off a phone's screen

# An underscore between two letters or digits never formats in Discord, and names are full of them.
_MARKDOWN = re.compile(r"[*`~|<\[]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")


def display_name(name: str) -> str:
    """Return a file's name so that it cannot format, link or ping, cut in the middle where it is long.

    A name must pass only once, a second time would show the backslashes of the first.
    """
    base = re.split(r"[/\\]", name)[-1]
    text = " ".join("".join(c if c.isprintable() else " " for c in base).split()) or "file"
    if len(text) > NAME_MAX:
        text = f"{text[: NAME_MAX // 2]}…{text[-(NAME_MAX - NAME_MAX // 2 - 1) :]}"
    return _MARKDOWN.sub(r"\\\g<0>", text).replace("@", "@\u200b")

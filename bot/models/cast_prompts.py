"""Saved references in prompts: which names a prompt has, and what the provider reads in their place."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.models.cast import MASS_MENTIONS, NAME_MAX, name_key

LIKENESS = 0.75  # of a misspelled name, by difflib
SEPARATOR = ","  # between names that are chosen together
BY_ID = "#"  # begins a reference that is named by its number: no name has it in it
_INSIDE_NAMES = {"L", "M", "N"}  # Unicode's letters, marks and numbers


@dataclass(frozen=True, slots=True)
class CastName:
    """An `@name` in a prompt; `typed` is without the `@`."""

    start: int
    typed: str

    @property
    def end(self) -> int:
        """Return where the name ends in the prompt."""
        return self.start + 1 + len(self.typed)


def names_in(prompt: str) -> Iterator[CastName]:
    """Return every `@name` at the start of a word, as long as it can be; Discord's own mentions are none."""
    for start, character in enumerate(prompt):
        before = prompt[start - 1] if start else " "
        if character != "@" or _is_inside(before) or before in "@<-_/.":
            continue
        end = start + 1
        while end < len(prompt) and (_is_inside(prompt[end]) or prompt[end] == "-"):
            end += 1
        typed = prompt[start + 1 : end].rstrip("-")
        if typed and not typed.startswith("-") and name_key(typed) not in MASS_MENTIONS:
            yield CastName(start, typed)


def known_names(prompt: str, known: Mapping[str, int]) -> list[CastName]:
    """Return the names in a prompt that are known, by their keys; of `@mia-dances` that may be `@mia`."""
    found = (longest_known(name, known) for name in names_in(prompt))
    return [name for name in found if name is not None]


def longest_known(name: CastName, known: Mapping[str, int]) -> CastName | None:
    """Return the longest part of a name, up to a hyphen, that is known."""
    typed = name.typed
    while typed:
        if name_key(typed) in known:
            return CastName(name.start, typed)
        typed = typed.rpartition("-")[0]
    return None


def meant_instead(name: CastName, known: Mapping[str, int]) -> str | None:
    """Return the key of the known name that is most like one that isn't known, if any is."""
    typed = name_key(name.typed[:NAME_MAX])
    # In a short name, two letters the wrong way round are too much for difflib.
    turned = [key for key in known if sorted(key) == sorted(typed)]
    found = turned or get_close_matches(typed, known, n=1, cutoff=LIKENESS)
    return found[0] if found else None


def chosen_names(typed: str) -> list[str]:
    """Return the names that were chosen together, each once, without their `@`."""
    words = (word.strip().removeprefix("@").strip() for word in typed.split(SEPARATOR))
    return list(dict.fromkeys(word for word in words if word))


@dataclass(frozen=True, slots=True)
class Role:
    """A reference in one request: its name, and how many pictures it has there."""

    key: str  # of its name
    name: str
    pictures: int


def prompt_to_send(prompt: str, roles: Sequence[Role], images_before: int) -> str:
    """Return the prompt in which each name says which of the reference images show it.

    The provider gets a flat list of images: those of the roles follow, in their order, after so many others.
    Who isn't named in the prompt is named at its end.
    """
    shown, first = {}, images_before + 1
    for role in roles:
        shown[role.key] = f"{role.name} ({_images(first, role.pictures)})"
        first += role.pictures
    names = {role.key: role.name for role in roles}
    text, done = "", 0
    for name in known_names(prompt, dict.fromkeys(names, 0)):
        key = name_key(name.typed)
        text += prompt[done : name.start] + shown.pop(key, names[key])
        done = name.end
    text += prompt[done:]
    return " ".join([text, *(f"With {who}." for who in shown.values())])


def _images(first: int, count: int) -> str:
    numbers = [str(number) for number in range(first, first + count)]
    if count == 1:
        return f"reference image {numbers[0]}"
    return f"reference images {', '.join(numbers[:-1])} and {numbers[-1]}"


def _is_inside(character: str) -> bool:
    return unicodedata.category(character)[0] in _INSIDE_NAMES

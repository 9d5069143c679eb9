"""Saved references in prompts: which names a prompt has, and what the provider reads in their place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from bot.models.cast import AT, MASS_MENTIONS, NAME_MAX, name_key, without_at
from bot.models.scripts import is_without_spaces, may_begin_word

LIKENESS = 0.75  # of a misspelled name, by difflib
SEPARATOR = ","  # between names that are chosen together
BY_ID = "#"  # begins a reference that is named by its number: no name has it in it
_SEPARATORS = re.compile("[,\uff0c\u3001\u060c]")  # also those of Chinese, Japanese and Arabic keyboards
_TYPED_MAX = 4 * NAME_MAX  # characters of a name before it is normalized: what it is made of may stand apart
_INSIDE_NAMES = {"L", "M", "N"}  # Unicode's letters, marks and numbers
_IN_ADDRESSES = f"{AT}<-_/."  # an `@` right behind one of these begins no name


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
        if character not in AT:
            continue
        end = start + 1
        while end < len(prompt) and (_is_inside(prompt[end]) or prompt[end] == "-"):
            end += 1
        typed = prompt[start + 1 : end].rstrip("-")
        if not typed or typed.startswith("-") or name_key(typed) in MASS_MENTIONS:
            continue
        if start == 0 or _is_between(prompt[start - 1], prompt[end : end + 2]):
            yield CastName(start, typed)


def _is_between(before: str, after: str) -> bool:
    """Tell whether what stands around an `@name` leaves it one: it could be part of an address."""
    if is_without_spaces(before):  # no space is needed there, so a domain has to tell
        return not (after[:1] == "." and _is_inside(after[1:]))
    return not _is_inside(before) and before not in _IN_ADDRESSES


def known_part(name: CastName, *known: Collection[str]) -> CastName | None:
    """Return the part of a name that is known by its key: all of it, or else as much as is in one of `known`.

    Of `@mia-dances` that may be `@mia`. In scripts without spaces a name ends where another word may begin.
    Each of `known` is looked through on its own: nobody's longer name takes the place of what is meant first.
    """
    whole = name_key(name.typed) if len(name.typed) <= _TYPED_MAX else ""
    if any(whole in names for names in known):
        return name
    parts = [(name_key(part), part) for part in _parts(name.typed)]
    found = (part for names in known for key, part in parts if key in names)
    typed = next(found, None)
    return None if typed is None else CastName(name.start, typed)


def meant_instead(name: CastName, known: Collection[str]) -> tuple[str, str] | None:
    """Return what of a name that isn't known looks misspelled, and the key of the known name most like it."""
    whole = name.typed[:NAME_MAX]
    if meant := _most_like(name_key(whole), known):
        return whole, meant
    for part in reversed(list(_parts(name.typed))):
        if name.typed[len(part)] == "-":
            continue  # what stands before a hyphen is less than what was typed
        key = name_key(part)
        # Any name is like a part of it that is short enough: only as many letters, or one too many.
        if meant := _most_like(key, [other for other in known if len(key) - 1 <= len(other) <= len(key)]):
            return part, meant
    return None


def _most_like(key: str, known: Collection[str]) -> str | None:
    # In a short name, two letters the wrong way round are too much for difflib.
    turned = [other for other in known if sorted(other) == sorted(key)]
    found = turned or get_close_matches(key, known, n=1, cutoff=LIKENESS)
    return found[0] if found else None


def _parts(typed: str) -> Iterator[str]:
    """Return with what of a word a name may end before the word does, the longest first."""
    for end in range(min(len(typed) - 1, _TYPED_MAX), 0, -1):
        if typed[end - 1] != "-" and (typed[end] == "-" or may_begin_word(typed[end])):
            yield typed[:end]


def chosen_names(typed: str) -> list[str]:
    """Return the names that were chosen together, each once, without their `@`."""
    words = (without_at(word) for word in _SEPARATORS.split(typed))
    return list(dict.fromkeys(word for word in words if word))


def last_chosen(typed: str) -> tuple[list[str], str]:
    """Return the names that are complete while somebody types them, and the beginning of the next one."""
    complete, _, last = _SEPARATORS.sub(SEPARATOR, typed).rpartition(SEPARATOR)
    return chosen_names(complete), without_at(last)


@dataclass(frozen=True, slots=True)
class Role:
    """A reference in one request: what it is called there, and how many pictures it has."""

    name: str
    pictures: int


@dataclass(frozen=True, slots=True)
class Mention:
    """That a name in a prompt stands for one of the roles."""

    name: CastName
    role: int  # its position among them


def prompt_to_send(
    prompt: str, roles: Sequence[Role], mentions: Sequence[Mention], images_before: int
) -> str:
    """Return the prompt in which each name says which of the reference images show it.

    The provider gets a flat list of images: those of the roles follow, in their order, after so many others.
    Who isn't named in the prompt is named at its end. `mentions` stand in the order of the prompt.
    """
    shown, first = {}, images_before + 1
    for position, role in enumerate(roles):
        shown[position] = f"{role.name} ({_images(first, role.pictures)})"
        first += role.pictures
    text, done = "", 0
    for mention in mentions:
        said = shown.pop(mention.role, roles[mention.role].name)
        text += prompt[done : mention.name.start] + said
        done = mention.name.end
    text += prompt[done:]
    return " ".join([text, *(f"With {who}." for who in shown.values())])


def _images(first: int, count: int) -> str:
    numbers = [str(number) for number in range(first, first + count)]
    if count == 1:
        return f"reference image {numbers[0]}"
    return f"reference images {', '.join(numbers[:-1])} and {numbers[-1]}"


def _is_inside(character: str) -> bool:
    return bool(character) and unicodedata.category(character)[0] in _INSIDE_NAMES

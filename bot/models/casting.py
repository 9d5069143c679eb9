"""Which saved references a request has, and what each is called in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from bot.models.cast import NAME_MAX, BadName, SavedReference, clean_name, name_key
from bot.models.cast_prompts import (
    BY_ID,
    Mention,
    Role,
    chosen_names,
    known_part,
    meant_instead,
    names_in,
    prompt_to_send,
)
from bot.models.catalog import Kind
from bot.models.problems import Problem, ProblemCode
from bot.models.requests import PROMPT_MAX, Reference, count_problems

UNKNOWN_SHOWN = 3  # names of a prompt that nobody has
MISTAKES_MAX = 10  # names of a prompt that are compared with all others: that takes a moment each

_WRONG_NAMES = {ProblemCode.CAST_UNKNOWN, ProblemCode.CAST_SIMILAR, ProblemCode.CAST_NOT_ALLOWED}


@dataclass(frozen=True, slots=True)
class Cast:
    """The saved references of a request, in the order of their pictures, and what is wrong with them."""

    references: tuple[SavedReference, ...] = ()
    names: tuple[str, ...] = ()  # what each is called in this request, no two the same
    mentions: tuple[Mention, ...] = ()  # where the prompt names them
    problems: tuple[Problem, ...] = ()

    @property
    def pictures(self) -> dict[str, int]:
        """Return how many pictures each reference has, by what it is called."""
        return {role.name: role.pictures for role in self._roles}

    @property
    def _roles(self) -> list[Role]:
        named = zip(self.names, self.references, strict=True)
        return [Role(name, len(reference.pictures)) for name, reference in named]

    def sent_prompt(self, prompt: str, images_before: int) -> str | None:
        """Return what the provider reads, None where that is what was typed."""
        if not self.references:
            return None
        return prompt_to_send(prompt, self._roles, self.mentions, images_before)

    def prompt_problems(self, prompt: str, images_before: int) -> list[Problem]:
        """Return what is wrong with the prompt once it says who is who."""
        sent = self.sent_prompt(prompt, images_before)
        if sent is None or len(sent) <= PROMPT_MAX or len(prompt) > PROMPT_MAX:
            return []
        left = PROMPT_MAX - (len(sent) - len(prompt))
        return [Problem(ProblemCode.CAST_PROMPT_TOO_LONG, {"length": len(prompt), "length_max": left})]

    def and_others(self, others: Sequence[Problem]) -> list[Problem]:
        """Return what is wrong with a request and with its references.

        Who mistypes a name gets that said, and not that images are missing: those would have come with it.
        """
        named = any(problem.code in _WRONG_NAMES for problem in self.problems)
        dropped = ProblemCode.NO_REFERENCES if named else None
        return [*(problem for problem in others if problem.code is not dropped), *self.problems]

    def late_problems(self, prompt: str, references: Sequence[Reference]) -> list[Problem]:
        """Return what is wrong once it is known which files are images: names may promise something else."""
        if not self.references:
            return []
        images = sum(reference.kind is Kind.IMAGE for reference in references)
        too_many = count_problems(images, len(references) - images, self.pictures)
        return [*too_many, *self.prompt_problems(prompt, images)]


@dataclass(slots=True)
class _Casting:
    """Who is in a request so far."""

    known: dict[str, SavedReference]  # whom a name means, by its key
    first: set[str]  # of these keys: a member's own, and what they chose
    names: dict[int, str] = field(default_factory=dict)  # what each is called here, by number
    found: list[SavedReference] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def choose(self, reference: SavedReference, wanted: str) -> None:
        """Take in who was chosen: they are meant by the name, also where somebody else has the same."""
        if reference.id in self.names:
            return
        name = self._free_name(reference.name, wanted)
        self._take(reference, name)
        self.known[name_key(name)] = reference
        self.first.add(name_key(name))
        if name_key(reference.name) not in self.first:
            self.known[name_key(reference.name)] = reference
            self.first.add(name_key(reference.name))

    def mention(self, reference: SavedReference) -> int:
        """Take in whom the prompt names, and return their position."""
        if reference.id not in self.names:
            self._take(reference, reference.name)
        return list(self.names).index(reference.id)

    def _take(self, reference: SavedReference, name: str) -> None:
        self.names[reference.id] = name
        self.found.append(reference)

    def _free_name(self, name: str, wanted: str) -> str:
        """Return what somebody is called of whom another with the same name may be there already."""
        taken = {name_key(other) for other in self.names.values()}
        numbered = (f"{name}-{number}" for number in count(2))
        free = (other for other in numbered if name_key(other) not in taken | self.known.keys())
        return next((other for other in (wanted, name) if other and name_key(other) not in taken), next(free))


def cast_of(
    usable: Sequence[SavedReference], user_id: int, chosen: str, prompt: str, labels: Mapping[str, int]
) -> Cast:
    """Return who is chosen and who is named in a prompt, among what a member may use, their own first.

    `labels` are what Discord showed in the place of names, with the numbers of their references.
    """
    known: dict[str, SavedReference] = {}
    for reference in usable:
        known.setdefault(name_key(reference.name), reference)
    casting = _Casting(known, {key for key, one in known.items() if one.owner_id == user_id})
    names = dict(known)
    for typed in chosen_names(chosen):
        number, wanted = _numbered(typed, labels)
        if number is None:
            match = names.get(name_key(typed))
        else:
            match = next((one for one in usable if one.id == number), None)
        if match is None:
            casting.problems.append(_unknown(typed, names))
        else:
            casting.choose(match, wanted)
    mentions = _mentions(casting, prompt)
    problems = tuple(dict.fromkeys(casting.problems))
    return Cast(tuple(casting.found), tuple(casting.names.values()), mentions, problems)


def unknown_names(prompt: str) -> list[Problem]:
    """Return that nobody is known by the names of a prompt, which has nothing else to be made from."""
    typed = dict.fromkeys(name.typed[:NAME_MAX] for name in names_in(prompt))
    return [Problem(ProblemCode.CAST_UNKNOWN, {"name": name}) for name in list(typed)[:UNKNOWN_SHOWN]]


def _mentions(casting: _Casting, prompt: str) -> tuple[Mention, ...]:
    mentions, mistakes = [], 0
    for name in names_in(prompt):
        part = known_part(name, casting.first, casting.known)
        if part is not None:
            mentions.append(Mention(part, casting.mention(casting.known[name_key(part.typed)])))
        elif mistakes < MISTAKES_MAX:
            mistakes += 1
            if similar := meant_instead(name, casting.known):
                casting.problems.append(_similar(*similar, casting.known))
    return tuple(mentions)


def _numbered(typed: str, labels: Mapping[str, int]) -> tuple[int | None, str]:
    """Return the number by which somebody is meant, None where it's a name; and what they were called."""
    if typed in labels:
        return labels[typed], ""
    if not typed.startswith(BY_ID):
        return None, ""
    number, _, called = typed.removeprefix(BY_ID).partition(":")
    try:
        wanted = clean_name(called)
    except BadName:
        wanted = ""
    return (int(number) if number.isascii() and number.isdecimal() else 0), wanted


def _unknown(typed: str, known: Mapping[str, SavedReference]) -> Problem:
    if typed.startswith(BY_ID):
        return Problem(ProblemCode.CAST_NOT_ALLOWED, {"name": typed.partition(":")[2]})
    name = next(names_in(f"@{typed}"), None)
    similar = None if name is None else meant_instead(name, known)
    if similar is not None:
        return _similar(typed, similar[1], known)
    return Problem(ProblemCode.CAST_UNKNOWN, {"name": typed})


def _similar(typed: str, meant: str, known: Mapping[str, SavedReference]) -> Problem:
    return Problem(ProblemCode.CAST_SIMILAR, {"name": typed, "meant": known[meant].name})
